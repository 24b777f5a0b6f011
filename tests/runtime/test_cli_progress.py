"""How far a command is, and what it says first: on stderr, and never among JSON."""

import json
import os
import re
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edgecv.cli.main import main as edgecv
from edgecv.cli.output import progress
from helpers.tiny_bundle import write_tiny_bundle

RUNS = "brightness, engine onnxruntime, device cpu, precision fp32, batch 1"
LINE = re.compile(r"(\w+: )?\d+/\d+ (frame|image)s?, [\d.]+ (s/\w+|\w+s/s)(, \d+ s left)?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    write_tiny_bundle(folder / "street")
    writer = cv2.VideoWriter(
        str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (96, 64)
    )
    for _ in range(6):
        writer.write(np.full((64, 96, 3), 255, np.uint8))
    writer.release()
    (folder / "photos").mkdir()
    for name in "abc":
        cv2.imwrite(str(folder / "photos" / f"{name}.png"), np.full((64, 96, 3), 255, np.uint8))
    return folder


@pytest.fixture
def at_once(monkeypatch):
    """Off a terminal each step writes its line."""
    monkeypatch.setattr(progress, "FIRST_LINE", 0.0)
    monkeypatch.setattr(progress, "NEXT_LINES", 0.0)


@pytest.mark.parametrize(
    ("source", "unit", "count"), [("clip.avi", "frame", 6), ("photos", "image", 3)]
)
@pytest.mark.parametrize("as_json", [True, False])
def test_predict_off_a_terminal(folder, at_once, capsys, source, unit, count, as_json):
    words = ["predict", str(folder / "street"), str(folder / source), *["--json"] * as_json]
    assert edgecv(words) == 0
    out, err = capsys.readouterr()
    says = (
        f"{folder / 'street'}: brightness, engine onnxruntime, device cpu, precision fp32, batch 1"
    )
    lines = err.splitlines()
    if as_json:
        assert all("detections" in json.loads(line) for line in out.splitlines())
        assert lines[0] == says and f"{count} images" in lines[-1]
        lines = lines[1:-1]
    else:
        assert out.splitlines()[0] == says
    assert len(lines) == count and all(LINE.fullmatch(line) for line in lines), lines
    assert lines[0].startswith(f"1/{count} {unit}s, ") and lines[-1].startswith(f"{count}/{count}")


def test_camera_says_what_runs(folder, capsys):
    words = ["camera", str(folder / "street"), "--source", str(folder / "clip.avi"), "--no-show"]
    assert edgecv([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 6 and all(json.loads(line) for line in out.splitlines())
    assert err.splitlines()[0].endswith(
        ": brightness, engine onnxruntime, device cpu, precision fp32, batch 1"
    )


def test_short_runs_say_nothing_off_a_terminal(folder, capsys):
    assert edgecv(["predict", str(folder / "street"), str(folder / "photos")]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_bar_on_a_terminal(folder):
    import fcntl
    import pty
    import termios

    pytest.importorskip("tqdm")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    words = ["predict", "street", "photos", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgecv", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    out = process.stdout.read()
    assert process.wait(60) == 0
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert len(out.splitlines()) == 3 and all(json.loads(line) for line in out.splitlines())
    assert b"0/3 [00:00<?, ?image/s]" in shown and b"precision fp32" in shown


def test_eval_names_the_precision(folder, at_once, capsys):
    from edgecv.cli.output.progress import with_progress

    assert list(with_progress("abc", title="fp16")) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[2].startswith("fp16: 3/3 images, ") and len(lines) == 3
