"""What `make` says of a machine that lacks something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[1] / "runtime" / "check_machine.sh"
POSIX = ["sh", "id", "uname"]


def check(path, python=sys.executable, **more):
    environment = {"PATH": str(path), **more}
    done = subprocess.run([CHECK, python], env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.fixture
def bare(tmp_path):
    """A folder of commands: the shell's, and apt-get."""
    (tmp_path / "bin").mkdir()
    for name in POSIX:
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}" if name == "sh" else f"/usr/bin/{name}")
    script(tmp_path / "bin" / "apt-get", "exit 0")
    return tmp_path / "bin"


def script(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_this_machine_has_all(bare):
    status, said = check(os.environ["PATH"])
    assert (status, said) == (0, "")


def test_no_compiler(bare):
    status, said = check(bare)
    assert status == 1
    sudo = "" if os.geteuid() == 0 else "sudo "
    assert said == f"missing: a C++17 compiler\ninstall it with: {sudo}apt install g++\n"
    script(bare / "clang++", "exit 0")
    assert check(bare) == (0, "")
    status, said = check(bare, CXX="no-such-c++ -std=c++17")
    assert status == 1 and "missing: the C++ compiler no-such-c++ -std=c++17" in said


def test_python_without_venv_headers_and_libraries(bare):
    """A Python that has nothing: each question is answered with no."""
    script(bare / "c++", "exit 0")
    script(bare / "python3", 'case "$*" in *version_info*) exit 0 ;; *) exit 1 ;; esac')
    status, said = check(bare, python="python3")
    assert status == 1
    for what in ("Python's venv", "Python.h", "libGL.so.1", "libglib-2.0.so.0"):
        assert what in said
    assert said.endswith("apt install python3-venv python3-dev libgl1 libglib2.0-0\n")
    (bare / "apt-get").unlink()
    assert "on Debian and Ubuntu it is: apt install python3-venv" in check(bare, "python3")[1]


def test_no_python_and_one_that_is_too_old(bare):
    script(bare / "c++", "exit 0")
    status, said = check(bare, python="python3")
    assert status == 1 and "missing: Python (python3)" in said
    assert said.endswith("apt install python3 python3-venv python3-dev\n")
    script(bare / "python3", 'case "$1" in --version) echo Python 3.8.1 ;; *) exit 1 ;; esac')
    status, said = check(bare, python="python3")
    assert status == 1 and said.startswith("Python 3.8.1 is too old: edgecv needs 3.10 or later")
