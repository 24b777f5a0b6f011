"""The first moments of a command as a process: Ctrl-C while modules are imported, and whose output
goes where."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from helpers.tiny_bundle import write_tiny_bundle

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and descriptors of POSIX")

# Runs `python -m edgecv info street` and presses Ctrl-C when so many modules were looked for.
PRESSED = """
import os, runpy, signal, sys

class Pressing:
    left = None

    def find_spec(self, name, path=None, target=None):
        if name == "edgecv.cli.output.terminal":  # the first one after the command has begun
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


@pytest.mark.parametrize("words", ["--help", "--version", "predict --help", "info street"])
def test_a_standard_output_that_takes_nothing(folder, words):
    """A reader that has gone is no fault; a full disk is said once."""
    command = f'"{sys.executable}" -m edgecv {words}'
    done = subprocess.run(
        ["sh", "-c", f"{{ {command}; echo $? >&2; }} | true"], cwd=folder, capture_output=True
    )
    assert done.stderr == b"0\n"
    if os.path.exists("/dev/full"):
        done = subprocess.run(
            ["sh", "-c", f"{command} > /dev/full"], cwd=folder, capture_output=True
        )
        expected = b"edgecv: error: standard output: No space left on device\n"
        assert (done.returncode, done.stderr) == (2, expected)


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_are_given_to_no_file(folder, closed, tmp_path):
    """The next file that is opened would have the number of standard output and get its text."""
    command = f'"{sys.executable}" -m edgecv predict street white.png --save "{tmp_path}" {closed}'
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert json.loads((tmp_path / "white.json").read_bytes())["source"] == "white.png"


ODD = b"caf\xe9\n\x1b[31m-\xe4\xba\xba"  # no UTF-8, two lines, a colour
LABELS = ["人\n\x1b[31mx", "y\u2028z"]
STRICT = {
    **{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "PYTHONIOENCODING": "ascii:strict",
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A bundle, an image and a YOLO data set with such names and labels."""
    folder = tmp_path_factory.mktemp("odd")
    bundle = write_tiny_bundle(folder / os.fsdecode(ODD))
    record = json.loads((bundle / "bundle.json").read_text())
    record |= {"labels": LABELS, "name": "n\nx", "provenance": {"k\nx\x1b[2J": "v\nx"}}
    (bundle / "bundle.json").write_text(json.dumps(record))
    png = cv2.imencode(".png", np.full((64, 96, 3), 255, np.uint8))[1].tobytes()
    (folder / os.fsdecode(ODD + b".png")).write_bytes(png)
    for place, content in (("images", png), ("labels", b"0 0.25 0.5 0.25 0.5\n")):
        (folder / "data" / place / "val").mkdir(parents=True)
        suffix = b".png" if place == "images" else b".txt"
        (folder / "data" / place / "val" / os.fsdecode(ODD + suffix)).write_bytes(content)
    (folder / "data" / "data.yaml").write_text(f"val: images/val\nnames: {json.dumps(LABELS)}\n")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        [b"info", ODD],
        [b"info", ODD, b"--json"],
        [b"predict", ODD, ODD + b".png", b"--save", b"out" + ODD],
        [b"predict", ODD, ODD + b".png", b"--json", b"-e", b"openvino"],
        [b"eval", ODD, b"--data", b"data"],
        [b"build", ODD, b"--precision", b"fp16"],
        [b"wrap", ODD + b"/main.onnx", b"--inspect"],
        [b"predict", ODD, b"none" + ODD],
    ],
    ids=lambda words: b" ".join(w for w in words if w.isalpha() or w.startswith(b"-")).decode(),
)
def test_names_and_labels_of_any_bytes_where_only_ascii_is_text(odd, words):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-m", "edgecv", *words], cwd=odd, env=kept | STRICT, capture_output=True
    )
    assert done.returncode == (2 if words[-1].startswith(b"none") else 0), done.stderr
    text = (done.stdout + done.stderr).decode("ascii")
    assert "Traceback" not in text and "it does not run" not in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    # Nothing of a name or a label stands at the beginning of a line.
    starts = (r"\x1b", "x", "z", "-\\")
    assert not [line for line in text.splitlines() if line.startswith(starts)]
    if b"--json" in words and b"predict" in words:
        assert [found["name"] for found in json.loads(done.stdout)["detections"]] == LABELS
