"""Saving on a disk that is full, and under long names: what is there is whole."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgecv.cli.main import main
from edgecv.cli.recording import mp4_recorder
from edgecv.cli.recording.video_writer import VideoNotWritten, VideoWriter
from helpers.tiny_bundle import write_tiny_bundle

FRAMES = 60


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "noise.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (128, 96))
    random = np.random.default_rng(0)
    for _ in range(FRAMES):
        writer.write(random.integers(0, 256, (96, 128, 3), np.uint8))
    writer.release()
    return path


def edgecv(*words: object, largest: int | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command in a process whose files may have `largest` bytes."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({largest},) * 2)"
    code = f"import sys; {limit if largest else ''}\nfrom edgecv.cli.main import main\n"
    code += "sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *map(str, words)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def frames_of(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_video_that_does_not_fit_keeps_the_earlier_one(
    bundle: Path, video: Path, tmp_path: Path, suffix: str
) -> None:
    saved = tmp_path / f"c{suffix}"
    words = ("camera", bundle, "--source", video, "--save", saved, "--no-show")
    done = edgecv(*words, "--max-frames", 20)
    assert done.returncode == 0 and frames_of(saved) == 20
    done = edgecv(*words, largest=60_000)
    assert done.returncode == 2
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("edgecv: error:")]
    part = saved.with_name(f"c.part{suffix}")
    says = r"cannot be written: File too large; its first (\d+) frames"
    if suffix != ".mp4":
        says = rf"(\d+) of {FRAMES} frames can be read back \(is the disk full\?\); "
        says += r"its first \1 frames"
    found = re.search(rf"{saved}: {says} are in {part}; the earlier file is kept", line)
    assert found and 2 <= int(found[1]) == frames_of(part) < FRAMES
    assert "saved" not in done.stdout
    assert frames_of(saved) == 20 and set(tmp_path.iterdir()) == {saved, part}


def test_the_earlier_video_is_there_until_the_new_one_is_good(tmp_path: Path) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    for count in (1, 2, 5, 8):
        with VideoWriter(tmp_path / "a.mp4", 25.0) as writer:
            for _ in range(count):
                writer.write(image)
            if count == 8:
                assert frames_of(tmp_path / "a.mp4") == 5
    assert frames_of(tmp_path / "a.mp4") == 8
    with pytest.raises(VideoNotWritten), VideoWriter(tmp_path / "a.mp4", 25.0) as writer:
        writer.write(image)
        raise VideoNotWritten("as a later frame may find")
    assert frames_of(tmp_path / "a.mp4") == 8 and frames_of(tmp_path / "a.part.mp4") == 1


@pytest.mark.parametrize("step", ["open_recorder", "write"])
def test_an_interrupt_before_the_first_frame_keeps_the_earlier_video(
    step: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    source, out = tmp_path / "source.avi", tmp_path / "out" / "a.mp4"
    for path, count in ((source, 4), (tmp_path / "old.mp4", 3)):
        codec = "MJPG" if path == source else "mp4v"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25.0, (64, 48))
        for _ in range(count):
            writer.write(np.zeros((48, 64, 3), np.uint8))
        writer.release()
    out.parent.mkdir()
    earlier = (tmp_path / "old.mp4").read_bytes()
    out.write_bytes(earlier)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    owner = mp4_recorder if step == "open_recorder" else mp4_recorder.Mp4Recorder
    monkeypatch.setattr(owner, step, interrupted)
    words = ["camera", str(bundle), "--source", str(source), "--save", str(out), "--no-show"]
    assert main(words) == 130
    assert out.read_bytes() == earlier and list(out.parent.iterdir()) == [out]
    assert "saved" not in capsys.readouterr().out


def test_a_video_that_does_not_fit_is_a_failure_of_that_one(
    bundle: Path, video: Path, tmp_path: Path
) -> None:
    """Its lines stay a part, as it does; the next input is run."""
    small = tmp_path / "small.avi"
    writer = cv2.VideoWriter(str(small), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for _ in range(9):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    out = tmp_path / "out"
    done = edgecv("predict", bundle, video, small, "--save", out, largest=60_000)
    assert done.returncode == 2 and "File too large" in done.stderr and "1 failed" in done.stdout
    names = sorted(path.name for path in out.rglob("*") if path.is_file())
    assert names == ["noise.part.jsonl", "noise.part.mp4", "small.jsonl", "small.mp4"]


def test_images_that_do_not_fit_leave_no_part_of_a_file(bundle: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "a.png"), random.integers(0, 256, (200, 300, 3), np.uint8))
    done = edgecv("predict", bundle, tmp_path / "a.png", "--save", tmp_path / "out", largest=4_000)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line == f"edgecv: error: {tmp_path / 'out' / 'a.jpg'}: cannot be written: File too large"
    left = list((tmp_path / "out").iterdir())
    assert [path.name for path in left] == ["a.json"] and json.loads(left[0].read_text())


def test_a_name_that_is_too_long_is_a_failure_of_one_image(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    longest = "n" * 251
    for name in (f"{longest}.png", "short.png", f"{longest[:246]}.png"):
        (tmp_path / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
    assert main(["predict", str(bundle), str(tmp_path), "--save", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert err.count("File name too long") == 1 and "3 images" in out and "1 failed" in out
    saved = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert saved == sorted(
        f"{stem}{end}" for stem in ("short", longest[:246]) for end in (".jpg", ".json")
    )
