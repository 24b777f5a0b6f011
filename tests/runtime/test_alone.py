"""One process at a time in a folder, and who keeps the others out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgecv_runtime.files.held import alone

# Forks a child that lives on, as the processes of a loader do, and waits to be killed.
PARENT = """
import os, sys, time
from pathlib import Path
from edgecv_runtime.files.held import alone
with alone(Path(sys.argv[1])) as free:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    print(free, child, flush=True)
    time.sleep(60)
"""


def test_another_one_is_kept_out_until_the_first_is_done(tmp_path: Path) -> None:
    with alone(tmp_path) as first:
        with alone(tmp_path) as second:
            assert (first, second) == (True, False)
        with alone(tmp_path) as third:
            assert not third
    with alone(tmp_path) as later:
        assert later


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_of_a_killed_process_do_not_keep_the_folder(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    free, child = parent.stdout.readline().split()
    try:
        with alone(tmp_path) as second:
            assert (free, second) == ("True", False)
        time.sleep(0.2)  # the child has begun
        parent.kill()
        parent.wait()
        with alone(tmp_path) as later:
            assert later
        os.kill(int(child), 0)  # it lives
    finally:
        parent.kill()
        parent.stdout.close()
        os.kill(int(child), signal.SIGKILL)
