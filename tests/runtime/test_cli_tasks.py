"""predict, camera, benchmark and info treat every task alike."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edgecv import load
from edgecv.cli.main import main

GOLDEN = Path(__file__).parents[1] / "golden"
CLASSIFY, SEGMENT = GOLDEN / "bundle_v2_classify", GOLDEN / "bundle_v2_segment"


def blocks(seed):
    colors = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return colors.repeat(16, 0).repeat(16, 1)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), blocks(0))
    return path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (128, 96))
    for seed in range(4):
        writer.write(blocks(seed))
    writer.release()
    return path


def run(capsys, *arguments):
    """Exit status, stdout, stderr."""
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_predict_saves_class_maps(photo, tmp_path, capsys):
    out = tmp_path / "out"
    status, stdout, _ = run(capsys, "predict", SEGMENT, photo, "--save", out)
    expected = load(SEGMENT)(photo)
    assert status == 0
    _, first, second = stdout.splitlines()
    assert first == f"{photo}: {expected.summary()}"
    assert second.startswith("1 image, ") and "detection" not in second
    assert sorted(path.name for path in out.iterdir()) == ["photo.jpg", "photo.json", "photo.png"]
    assert json.loads((out / "photo.json").read_text()) == expected.to_dict()
    with Image.open(out / "photo.png") as stored:
        np.testing.assert_array_equal(np.array(stored), expected.mask)
    drawn = cv2.imread(str(out / "photo.jpg")).astype(int)
    overlay, plain = expected.plot().astype(int), cv2.imread(str(photo)).astype(int)
    assert np.abs(drawn - overlay).mean() < np.abs(drawn - plain).mean() / 3


def test_predict_never_overwrites_an_image_with_its_class_map(photo, capsys):
    status, _, stderr = run(capsys, "predict", SEGMENT, photo, "--save", photo.parent)
    assert status == 2 and f"would overwrite {photo}: choose another folder" in stderr


def test_predict_lists_all_top_classes_and_a_threshold_cuts_them(photo, tmp_path, capsys):
    out = tmp_path / "out"
    status, stdout, _ = run(capsys, "predict", CLASSIFY, photo, "--save", out, "--json")
    expected = load(CLASSIFY)(photo)
    assert status == 0 and len(expected) == 2
    assert json.loads(stdout) == expected.to_dict()
    assert sorted(path.name for path in out.iterdir()) == ["photo.jpg", "photo.json"]
    threshold = float(expected.scores[0]) - 1e-4
    _, stdout, _ = run(capsys, "predict", CLASSIFY, photo, "--json", "--threshold", threshold)
    assert len(json.loads(stdout)["classes"]) == 1


@pytest.mark.parametrize("bundle", [CLASSIFY, SEGMENT])
def test_predict_annotates_videos(bundle, video, tmp_path, capsys):
    out = tmp_path / "out"
    status, stdout, _ = run(capsys, "predict", bundle, video, "--save", out)
    assert status == 0 and f"{video}: 4 frames\n" in stdout
    lines = (out / "clip.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == [0, 1, 2, 3]
    assert all(json.loads(line)["classes"] for line in lines)
    annotated = cv2.VideoCapture(str(out / "clip.mp4"))
    assert annotated.get(cv2.CAP_PROP_FRAME_COUNT) == 4


@pytest.mark.parametrize("bundle", [CLASSIFY, SEGMENT])
def test_camera_reports_every_frame(bundle, video, tmp_path, capsys):
    saved = tmp_path / "live.mp4"
    status, stdout, _ = run(
        capsys, "camera", bundle, "--source", video, "--no-show", "--json", "--save", saved
    )
    assert status == 0
    assert [json.loads(line)["frame"] for line in stdout.splitlines()] == [0, 1, 2, 3]
    assert cv2.VideoCapture(str(saved)).get(cv2.CAP_PROP_FRAME_COUNT) == 4


def test_a_class_map_has_no_scores_and_no_instance_masks(photo, capsys):
    status, _, stderr = run(capsys, "predict", SEGMENT, photo, "--threshold", 0.5)
    assert status == 2
    assert "is for the task segment, whose results have no scores: leave it out" in stderr
    status, _, stderr = run(capsys, "predict", SEGMENT, photo, "--masks", "rle")
    assert status == 2 and "has no instance masks: leave it out" in stderr


@pytest.mark.parametrize("bundle", [CLASSIFY, SEGMENT])
def test_benchmark_measures_the_steps(bundle, photo, capsys):
    arguments = ("benchmark", bundle, "--image", photo, "--runs", 2, "--warmup", 1)
    status, stdout, _ = run(capsys, *arguments, "--json")
    report = json.loads(stdout)
    assert status == 0 and report["result"] == load(bundle)(photo).summary()
    assert all(report[f"{step}_ms"]["mean"] > 0 for step in ("preprocess", "network", "whole"))
    status, stdout, _ = run(capsys, *arguments)
    assert f"2 runs after 1; {report['result']}" in stdout


@pytest.mark.parametrize(
    ("bundle", "lines"),
    [
        (CLASSIFY, ["postprocess classify, softmax scores, top 2"]),
        (
            SEGMENT,
            [
                "postprocess segment, softmax scores",
                "windows 16 x 24 (height x width), overlap 0.25, gaussian weight, 4 in a run",
            ],
        ),
    ],
)
def test_info_describes_the_method(bundle, lines, capsys):
    status, stdout, _ = run(capsys, "info", bundle)
    assert status == 0
    rows = [" ".join(row.split()) for row in stdout.splitlines()]
    for line in lines:
        assert line in rows
