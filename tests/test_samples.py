"""The sample programs run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv_runtime import read_image
from tiny_bundle import write_tiny_bundle

SAMPLES = Path(__file__).parents[1] / "samples" / "python"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, SAMPLES / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_detect_photo(bundle, tmp_path):
    photo, result = tmp_path / "white.png", tmp_path / "result.png"
    cv2.imwrite(str(photo), np.full((64, 96, 3), 255, np.uint8))
    assert run("detect_photo.py", bundle, photo, result) == [
        "left 0.90 at 12, 16, 36, 48",
        "right 0.60 at 48, 16, 96, 48",
    ]
    assert (read_image(result) != 255).any()


def test_detect_video(bundle, tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (96, 64))
    for level in (255, 0):
        writer.write(np.full((64, 96, 3), level, np.uint8))
    writer.release()
    assert run("detect_video.py", bundle, path) == [
        "frame 0: 1 left, 1 right",
        "frame 1: nothing",
    ]


def test_embed_numpy(bundle):
    # The centre of the left box: a quarter of the width, half of the height.
    assert run("embed_numpy.py", bundle) == ["left (160.0, 240.0)", "left (75.0, 100.0)"]
