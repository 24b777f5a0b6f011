"""The sample programs run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import edgecv
from edgecv_runtime import read_image
from helpers.tiny_bundle import write_tiny_bundle

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


def test_detect_image(bundle, tmp_path):
    photo, result = tmp_path / "white.png", tmp_path / "result.png"
    cv2.imwrite(str(photo), np.full((64, 96, 3), 255, np.uint8))
    assert run("detect_image.py", bundle, photo, result) == [
        "left 0.90 at 12, 16, 36, 48",
        "right 0.60 at 48, 16, 96, 48",
    ]
    assert (read_image(result) != 255).any()


def test_detect_image_on_blood_cells(tmp_path):
    """samples/data, whose labels say 17 red cells, a white one and two platelets."""
    data, result = SAMPLES.parent / "data", tmp_path / "cells.jpg"
    image = data / "cells" / "val" / "BloodImage_00396.jpg"
    lines = run("detect_image.py", data / "cells.bundle", image, result)
    names = [line.split()[0] for line in lines]
    assert names.count("WBC") == 1 and 12 <= names.count("RBC") <= 24
    assert read_image(result).shape == read_image(image).shape


def test_detect_video(bundle, tmp_path):
    path = write_video(tmp_path / "clip.avi", (255, 0))
    assert run("detect_video.py", bundle, path) == [
        "frame 0: 1 left, 1 right",
        "frame 1: nothing",
    ]


def write_video(path, levels):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (96, 64))
    for level in levels:
        writer.write(np.full((64, 96, 3), level, np.uint8))
    writer.release()
    return path


def test_watch_cameras(bundle, tmp_path):
    first, second = (
        write_video(tmp_path / name, levels)
        for name, levels in (("a.avi", [255, 0, 0]), ("b.avi", [0, 255]))
    )
    *lines, last = run("watch_cameras.py", bundle, first, second)
    assert [line for line in lines if line.startswith(str(first))] == [
        f"{first}, frame 0: 1 left, 1 right",
        f"{first}, frame 1: nothing",
        f"{first}, frame 2: nothing",
    ]
    assert len(lines) == 5 and last.startswith("results of 2 sources were ")


def test_robot_loop(bundle, tmp_path):
    lines = run("robot_loop.py", bundle, write_video(tmp_path / "a.avi", [255, 255, 0]))
    # The right box, 48 to 96 of 96 pixels, is larger; where the machine is busy it may be too old.
    assert set(lines) <= {"turn +0.50", "turn +0.00"} and len(lines) >= 3


def test_segment_image(tmp_path):
    bundle = Path(__file__).parent / "golden" / "bundle_v2_segment"
    photo, overlay, class_map = (tmp_path / name for name in ("a.png", "b.jpg", "c.png"))
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    cv2.imwrite(str(photo), noise)
    lines = run("segment_image.py", bundle, photo, overlay, class_map)
    model = edgecv.load(bundle)
    model.windows = {"overlap": 0.5, "weight": "gaussian"}
    expected = model(noise)
    assert lines == [
        f"{one['name']} {100 * one['fraction']:.1f} %" for one in expected.to_dict()["classes"]
    ]
    with Image.open(class_map) as stored:
        np.testing.assert_array_equal(np.array(stored), expected.mask)
    assert read_image(overlay).shape == noise.shape


def test_detect_tiles(bundle, tmp_path):
    photo, result = tmp_path / "white.png", tmp_path / "result.png"
    cv2.imwrite(str(photo), np.full((100, 150, 3), 255, np.uint8))
    (line,) = run("detect_tiles.py", bundle, photo, result, 90)
    assert line.startswith("5 tiles: ") and "left" in line
    assert (read_image(result) != 255).any()


def test_stylize(tmp_path):
    bundle = Path(__file__).parent / "golden" / "bundle_v2_style"
    photo, result = tmp_path / "photo.png", tmp_path / "painted.png"
    cv2.imwrite(str(photo), np.full((20, 30, 3), (10, 20, 30), np.uint8))
    (line,) = run("stylize.py", bundle, photo, result)
    assert line == f"golden_style: {photo} -> {result}"
    assert (cv2.imread(str(result)) == 128).all()  # the golden network's mean
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (96, 64))
    for level in (255, 0, 40):
        writer.write(np.full((64, 96, 3), level, np.uint8))
    writer.release()
    run("stylize.py", bundle, clip, tmp_path / "stylized.mp4")
    capture = cv2.VideoCapture(str(tmp_path / "stylized.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3


def test_embed_numpy(bundle):
    # The centre of the left box: a quarter of the width, half of the height.
    assert run("embed_numpy.py", bundle) == ["left (160.0, 240.0)", "left (75.0, 100.0)"]


def test_detect_proposals(tmp_path):
    """Boxes that somebody else proposes, through the sample; selective search has its own test."""
    bundle = Path(__file__).parent / "golden" / "bundle_v1_rcnn"
    photo, boxes = tmp_path / "photo.png", tmp_path / "boxes.npy"
    rng = np.random.default_rng(3)
    cv2.imwrite(str(photo), rng.integers(0, 256, (96, 128, 3), np.uint8))
    np.save(boxes, np.array([[10, 10, 60, 60], [30, 20, 110, 90]], np.float32))
    (line,) = run("detect_proposals.py", bundle, photo, boxes, tmp_path / "result.png")
    assert line.startswith("2 proposals, ")
    assert (tmp_path / "result.png").exists()


# Stands in for opencv-contrib, which is not installed: the box around the bright part, 1500 times.
SEARCH = """
import runpy, sys
from types import SimpleNamespace
import cv2, numpy as np

class Search:
    def setBaseImage(self, image):
        self.image = image
    def switchToSelectiveSearchFast(self):
        pass
    def process(self):
        y, x = np.nonzero(self.image[:, :, 2] > 128)
        left, top = x.min(), y.min()
        box = [left, top, x.max() + 1 - left, y.max() + 1 - top]
        return np.array([box] * 1500, np.int32)  # x, y, width, height, as OpenCV gives them

cv2.ximgproc = SimpleNamespace(
    segmentation=SimpleNamespace(createSelectiveSearchSegmentation=Search)
)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("factor", [1, 8])
def test_selective_search(factor, tmp_path):
    """The boxes are those of the image as it is, also where it was searched in a smaller size."""
    image = np.full((120 * factor, 160 * factor, 3), 40, np.uint8)
    image[30 * factor : 80 * factor, 50 * factor : 110 * factor] = (0, 200, 255)
    path, boxes = tmp_path / "image.png", tmp_path / "boxes.npy"
    cv2.imwrite(str(path), image)
    program = SAMPLES / "selective_search.py"
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, program, path, boxes],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"1000 boxes to {boxes}\n"
    found = np.load(boxes)
    assert found.dtype == np.float32 and found.shape == (1000, 4)
    expected = np.array([50, 30, 110, 80], np.float32) * factor
    np.testing.assert_allclose(found, np.tile(expected, (1000, 1)), atol=2 * (factor - 1) / 7)
