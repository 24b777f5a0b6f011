"""Settings for tests that train."""

import os

# Set before torch loads OpenMP: threads that spin while they wait would starve the loader's workers
# and the other tests of a small machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
