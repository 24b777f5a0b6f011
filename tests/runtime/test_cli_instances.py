"""The commands on a two-stage bundle with masks."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv import Detections, Masks, load
from edgecv.cli.main import main

GOLDEN = Path(__file__).parents[1] / "golden" / "bundle_v1_rcnn"
SSD = GOLDEN.parent / "bundle_v1"


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    blocks = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    cv2.imwrite(str(path), blocks.repeat(16, 0).repeat(16, 1))
    return path


def run(capsys, *arguments):
    """Exit status, stdout, stderr."""
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_predict_saves_masks_as_run_lengths_and_draws_them(photo, tmp_path, capsys):
    out = tmp_path / "out"
    status, stdout, _ = run(capsys, "predict", GOLDEN, photo, "--save", out, "--threshold", 0.6)
    expected = load(GOLDEN)(photo).filter(0.6)
    assert status == 0 and f"\n{photo}: {expected.summary()}\n" in stdout
    record = json.loads((out / "photo.json").read_text())
    assert record == expected.to_dict()
    assert len(record["detections"]) == len(expected) > 0
    assert [one["segmentation"] for one in record["detections"]] == expected.mask_crops.rle()
    drawn = cv2.imread(str(out / "photo.jpg")).astype(int)
    boxes = Detections(
        expected.boxes, expected.scores, expected.labels, expected.names, expected.image
    )
    with_masks, without = expected.plot(threshold=0), boxes.plot(threshold=0)
    covered = expected.masks.any(0)
    # The file is a JPEG, so close is as good as it gets.
    assert np.abs(drawn - with_masks)[covered].mean() < np.abs(drawn - without)[covered].mean() / 3


def test_predict_gives_polygons_where_asked(photo, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ("predict", GOLDEN, photo, "--masks", "polygons", "--save", out, "--json")
    status, stdout, _ = run(capsys, *arguments)
    result = load(GOLDEN)(photo).filter(0.5)
    assert status == 0
    expected = json.loads(json.dumps(result.to_dict(masks="polygons")))
    assert json.loads(stdout) == json.loads((out / "photo.json").read_text()) == expected
    # They are the same masks.
    for one, mask in zip(expected["detections"], result.masks, strict=True):
        frame = np.zeros(mask.shape, np.uint8)
        polygons = [np.reshape(points, (-1, 2)) for points in one["segmentation"]]
        rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
        edges = [np.hstack([points, np.roll(points, -1, 0)]) for points in polygons]
        for x1, y1, x2, y2 in np.vstack(edges):
            # Even-odd rule: edges to the right of a pixel's centre.
            crosses = (min(y1, y2) <= rows) & (rows < max(y1, y2)) & (x1 > columns) & (x1 == x2)
            frame ^= crosses.astype(np.uint8)
        np.testing.assert_array_equal(frame.astype(bool), mask)


def test_masks_of_a_bundle_that_has_none(photo, capsys):
    status, _, stderr = run(capsys, "predict", SSD, photo, "--masks", "rle")
    assert status == 2 and "has no instance masks: leave it out" in stderr
    assert len(stderr.splitlines()) == 1


def test_a_video_of_instances(tmp_path, capsys):
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (128, 96)
    )
    for seed in range(3):
        blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        writer.write(blocks.repeat(16, 0).repeat(16, 1))
    writer.release()
    out = tmp_path / "out"
    status, _, _ = run(capsys, "predict", GOLDEN, tmp_path / "clip.avi", "--save", out)
    lines = [json.loads(line) for line in (out / "clip.jsonl").read_text().splitlines()]
    assert status == 0 and [line["frame"] for line in lines] == [0, 1, 2]
    assert all("counts" in one["segmentation"] for line in lines for one in line["detections"])
    status, stdout, _ = run(
        capsys, "camera", GOLDEN, "--source", tmp_path / "clip.avi", "--no-show", "--json"
    )
    seen = [json.loads(line) for line in stdout.splitlines()]
    assert status == 0
    assert [len(line["detections"]) for line in seen] == [len(line["detections"]) for line in lines]


def test_benchmark_shows_every_step(capsys):
    arguments = ("benchmark", GOLDEN, "--runs", 3, "--warmup", 1, "--threads", 1)
    status, stdout, _ = run(capsys, *arguments, "--json")
    report = json.loads(stdout)
    steps = ("preprocess", "trunk", "proposals", "roi", "mask", "postprocess")
    parts = [report[f"{step}_ms"]["mean"] for step in steps]
    assert status == 0 and min(parts) > 0 and sum(parts) <= report["whole_ms"]["mean"]
    status, stdout, _ = run(capsys, *arguments)
    rows = [line.split()[0] for line in stdout.splitlines() if line]
    assert rows[3:10] == [*steps, "whole"]


def test_info(capsys):
    status, stdout, _ = run(capsys, "info", GOLDEN)
    pairs = [line.split("  ", 1) for line in stdout.splitlines() if line]
    rows = {name: text.strip() for name, text in pairs}
    assert status == 0
    assert rows["task"] == "instance" and "graph trunk" in rows and "graph mask" in rows
    assert rows["postprocess"] == "rcnn, 2 feature maps, masks"
    assert rows["proposals"] == "2 levels, top 60 of each, IoU 0.7, at most 40"
    assert rows["thresholds"] == "score 0.4, IoU 0.5, at most 20 detections, mask 0.5"


def test_masks_are_part_of_the_public_face():
    assert Masks.from_frames(np.ones((1, 2, 3), bool)).image_size == (2, 3)
