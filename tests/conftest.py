"""Settings for all tests: no network, threads that wait, and GPUs where there are some."""

import os
import signal

import pytest

from helpers.no_network import forbid_network

# Set before torch loads OpenMP: threads that spin while they wait would starve the loader's workers
# and the other tests of a small machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

forbid_network()

# A job in the background of a shell ignores Ctrl-C, and so would the commands that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item):
    """Tests marked `gpu` run where the NVIDIA driver offers a GPU, and nowhere else."""
    from edgecv_runtime.engines.nvidia.driver import gpu_count

    if item.get_closest_marker("gpu") and gpu_count() == 0:
        pytest.skip("the NVIDIA driver offers no GPU")
