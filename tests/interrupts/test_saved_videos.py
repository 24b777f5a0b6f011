"""Saved videos, ended at each file-system call."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from interrupts.states import hidden
from interrupts.sweep import Stage, Sweep


@pytest.fixture
def most(everything: bool) -> int | None:
    return None if everything else 3


def test_predict(stage: Stage, bundle: Path, folder: Path, most: int | None) -> None:
    """In place of older results; Ctrl-C leaves a part beside them."""
    out = folder / "out"
    write_video(folder / "b.avi", 60)
    write_video(folder / "old.mp4", 3)

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (out / "b.jsonl").write_text("{}\n" * 3)
        shutil.copy(folder / "old.mp4", out / "b.mp4")

    def state() -> str:
        if unreadable := unreadable_parts(out):
            return f"{unreadable} cannot be read"
        lines = [json.loads(line) for line in (out / "b.jsonl").read_text().splitlines()]
        count = frames_of(out / "b.mp4")
        if len(lines) not in (3, 60) or count not in (3, 60):
            return f"b.jsonl has {len(lines)} lines, b.mp4 {count} frames"
        return "new" if len(lines) == count == 60 else "old"

    words = ["predict", bundle, folder / "b.avi", "--save", out]
    assert Sweep(stage, words, prepare, state, most=most).run() == []
    assert hidden(out) == []


def test_camera(stage: Stage, bundle: Path, folder: Path, most: int | None) -> None:
    out = folder / "out"
    write_video(folder / "source.avi", 60)
    write_video(folder / "old.mp4", 3)

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        shutil.copy(folder / "old.mp4", out / "a.mp4")

    def state() -> str:
        if unreadable := unreadable_parts(out):
            return f"{unreadable} cannot be read"
        count = frames_of(out / "a.mp4")
        # Ctrl-C is the usual end of a live run: what came until then is the new video.
        return "old" if count == 3 else "new" if count else "a.mp4 cannot be read"

    words = ["camera", bundle, "--source", folder / "source.avi", "--save", out / "a.mp4"]
    sweep = Sweep(stage, [*words, "--no-show"], prepare, state, live=True, most=most)
    assert sweep.run() == []
    assert hidden(out) == []


def write_video(path: Path, count: int) -> None:
    codec = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25.0, (64, 48))
    for _ in range(count):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()


def frames_of(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def unreadable_parts(folder: Path) -> list[str]:
    parts = [path for path in folder.glob("*.part*.mp4") if path.stat().st_size]
    return [path.name for path in parts if frames_of(path) == 0]
