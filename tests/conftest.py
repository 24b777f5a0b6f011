"""Settings for tests that train, and for those that need a GPU."""

import os

import pytest

# Set before torch loads OpenMP: threads that spin while they wait would starve the loader's workers
# and the other tests of a small machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_runtest_setup(item):
    """Tests marked `gpu` run where the NVIDIA driver offers a GPU, and nowhere else."""
    from edgecv_runtime.engines.nvidia.driver import gpu_count

    if item.get_closest_marker("gpu") and gpu_count() == 0:
        pytest.skip("the NVIDIA driver offers no GPU")
