"""The first moments of a command as a process: Ctrl-C while modules are imported, and whose output
goes where."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tiny_bundle import write_tiny_bundle

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and descriptors of POSIX")

# Runs `python -m edgecv info street` and presses Ctrl-C when so many modules were looked for.
PRESSED = """
import os, runpy, signal, sys

class Pressing:
    left = None

    def find_spec(self, name, path=None, target=None):
        if name == "edgecv.cli.terminal":  # the first one after the command has begun
            self.left = {moment}
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressing())
sys.argv = ["edgecv", "info", "street"]
runpy.run_module("edgecv", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    write_tiny_bundle(folder / "street")
    cv2.imwrite(str(folder / "white.png"), np.full((64, 96, 3), 255, np.uint8))
    return folder


def run(code, folder, **options):
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, **options)


@pytest.mark.parametrize("moment", [*range(1, 10, 2), *range(10, 120, 10)])
def test_ctrl_c_while_modules_are_imported(folder, moment):
    done = run(PRESSED.format(moment=moment), folder)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_a_command_that_is_to_ignore_ctrl_c_does(folder):
    """As a shell without job control has what it runs in the background."""
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    done = run(ignoring + PRESSED.format(moment=20), folder)
    assert done.returncode == 0 and b"brightness" in done.stdout


def test_the_installed_command_begins_there():
    from importlib.metadata import entry_points

    (command,) = entry_points(group="console_scripts", name="edgecv")
    assert command.value == "edgecv.cli.start:main"


# An engine that writes into standard output as C code does: at once, and from a buffer at its end.
TALKATIVE = """
import ctypes, os, sys
from edgecv.cli.start import main
from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine

class Talking(OnnxRuntimeEngine):
    def run(self):
        os.write(1, b"EP Error\\n")
        ctypes.CDLL(None).printf(b"banner\\n")
        super().run()

OnnxRuntimeEngine.new_context.__globals__["OnnxRuntimeEngine"] = Talking
sys.argv = ["edgecv", *sys.argv[1:]]
sys.exit(main())
"""


@pytest.mark.parametrize(
    "words",
    [
        "predict street white.png --json --engine onnxruntime",
        "benchmark street --runs 2 --json --engine onnxruntime",
    ],
)
def test_what_engines_write_is_no_result(folder, words):
    done = subprocess.run(
        [sys.executable, "-c", TALKATIVE, *words.split()], cwd=folder, capture_output=True
    )
    assert done.returncode == 0
    assert b"EP Error\n" in done.stderr and b"banner\n" in done.stderr
    assert b"EP Error" not in done.stdout and b"banner" not in done.stdout
    if words.startswith("benchmark"):
        assert json.loads(done.stdout)["runs"] == 2
    else:
        assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == ["white.png"]
