"""Thresholds with the best F1, against a search over all of them, and written into a bundle."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgecv
from edgecv.cli.main import main
from edgecv.data.reading.records import Record
from edgecv.training.detection.metrics import Detected, average_precision
from edgecv.training.detection.operating_points import best_point
from helpers.tiny_bundle import write_tiny_bundle


def test_by_hand() -> None:
    # By falling score: right, wrong, right, wrong; 3 objects. F1: 2/4, 2/5, 4/6, 4/7.
    scores = np.array([0.4, 0.9, 0.6, 0.8], np.float32)
    right = np.array([False, True, True, False])
    point = best_point(scores, right, 3)
    assert point.f1 == pytest.approx(4 / 6)
    assert (point.precision, point.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert point.threshold == 0.5  # the middle of 0.4 and 0.6
    # Detections of one score are reported together: 0.9 twice, one of them wrong.
    tied = best_point(np.array([0.9, 0.9], np.float32), np.array([True, False]), 1)
    assert (tied.precision, tied.recall, tied.threshold) == (0.5, 1.0, 0.45)
    for nothing in (best_point(scores, right, 0), best_point(scores, right & False, 3)):
        assert all(math.isnan(value) for value in vars(nothing).values())


def scene(seed: int, images: int = 12) -> tuple[list[Record], list[Detected]]:
    """Objects of three classes, the third of which is never there; crowds; detections near and
    far, with tied scores."""
    rng = np.random.default_rng(seed)
    records, results = [], []
    for _ in range(images):
        count = int(rng.integers(0, 5))
        corner = rng.uniform(0, 200, (count, 2))
        boxes = np.hstack([corner, corner + rng.uniform(20, 80, (count, 2))]).astype(np.float32)
        labels = rng.integers(0, 2, count)
        ignore = rng.random(count) < 0.15
        records.append(Record(Path("a.png"), boxes, labels.astype(np.int64), ignore))
        near = np.repeat(boxes, 2, 0) + rng.normal(0, 8, (2 * count, 4))
        far = rng.uniform(0, 250, (3, 2))
        found = np.vstack([near, np.hstack([far, far + 40])]).astype(np.float32)
        named = np.concatenate([np.repeat(labels, 2), rng.integers(0, 3, 3)])
        scores = rng.integers(1, 40, len(found)) / 40
        results.append(Detected(found, scores.astype(np.float32), named.astype(np.int64)))
    return records, results


def iou(a: Any, b: Any) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return float(both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both))


def counts(
    records: list[Record], results: list[Detected], label: int, threshold: float
) -> tuple[int, int, int]:
    """Right, reported and wanted ones at a threshold, matched anew for it."""
    right = reported = wanted = 0
    for record, result in zip(records, results, strict=True):
        own = [i for i in range(len(record.labels)) if record.labels[i] == label]
        crowd = [i for i in own if record.ignore[i]]
        free = [i for i in own if not record.ignore[i]]
        wanted += len(free)
        kept = [i for i in range(len(result.scores)) if result.labels[i] == label]
        kept = [i for i in kept if result.scores[i] > np.float32(threshold)]
        for i in sorted(kept, key=lambda i: -result.scores[i]):  # stable
            best = max(free, key=lambda k: iou(record.boxes[k], result.boxes[i]), default=None)
            if best is not None and iou(record.boxes[best], result.boxes[i]) >= 0.5:
                free.remove(best)
                right += 1
                reported += 1
                continue
            box = result.boxes[i]
            area = (box[2] - box[0]) * (box[3] - box[1])
            width = [
                max(0, min(box[2], c[2]) - max(box[0], c[0]))
                * max(0, min(box[3], c[3]) - max(box[1], c[1]))
                for c in record.boxes[crowd]
            ]  # of a crowd, the part of the detection inside counts
            reported += not any(part / area >= 0.5 for part in width)
    return right, reported, wanted


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_against_a_search_over_all_thresholds(seed: int) -> None:
    records, results = scene(seed)
    points = average_precision(records, results, ["a", "b", "c"]).points
    assert math.isnan(points["c"].threshold)  # found sometimes, never there
    for label, name in enumerate("ab"):
        curve = {}
        for step in range(40):
            right, reported, wanted = counts(records, results, label, (step - 0.5) / 40)
            curve[step] = 2 * right / (reported + wanted)
        right, reported, wanted = counts(records, results, label, points[name].threshold)
        assert points[name].f1 == pytest.approx(max(curve.values()))
        assert points[name].f1 == pytest.approx(2 * right / (reported + wanted))
        assert points[name].precision == pytest.approx(right / reported)
        assert points[name].recall == pytest.approx(right / wanted)


def data_set(folder: Path) -> Path:
    """COCO. The left object is on bright images; the right one is never there. The tiny bundle
    scores 0.9 and 0.6 on white, 0.54 and 0.36 on gray."""
    (folder / "val").mkdir(parents=True)
    images, annotations = [], []
    for i, (level, there) in enumerate([(255, True), (255, True), (153, False), (153, False)]):
        cv2.imwrite(str(folder / "val" / f"{i}.png"), np.full((32, 48, 3), level, np.uint8))
        images.append({"id": i, "file_name": f"{i}.png", "height": 32, "width": 48})
        if there:
            annotations.append(
                {
                    "id": i + 1, "image_id": i, "category_id": 1, "iscrowd": 0, "area": 192,
                    "bbox": [6, 8, 12, 16],
                }
            )  # fmt: skip
    categories = [{"id": 1, "name": "left"}, {"id": 2, "name": "right"}]
    record = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_val.json").write_text(json.dumps(record))
    return folder


def test_eval_writes_thresholds_that_predict_then_uses(tmp_path: Path, capsys: Any) -> None:
    bundle, data = write_tiny_bundle(tmp_path / "bundle"), data_set(tmp_path / "data")
    before = (bundle / "bundle.json").read_text()
    assert main(["eval", str(bundle), "--data", str(data)]) == 0
    table = capsys.readouterr().out.splitlines()
    row = next(line for line in table if line.startswith("left") and len(line.split()) == 5)
    assert row.split() == ["left", "0.72", "1.000", "1.000", "1.000"]
    assert (bundle / "bundle.json").read_text() == before
    os.chmod(bundle / "bundle.json", 0o640)

    words = ["eval", str(bundle), "--data", str(data), "--set-thresholds"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"thresholds written into {bundle}: left 0.72; unchanged: right"
    )
    record = json.loads((bundle / "bundle.json").read_text())
    assert (record["schema"], record["thresholds"]) == (3, [0.72, 0.5])
    assert (bundle / "bundle.json").stat().st_mode & 0o777 == 0o640
    shown = sorted(path.name for path in bundle.iterdir() if not path.name.startswith("."))
    assert shown == ["bundle.json", "main.onnx"]
    model: Any = edgecv.load(bundle)
    assert model.thresholds == {"left": 0.72, "right": 0.5}
    gray = data / "val" / "2.png"
    assert len(model(gray)) == 0 and len(model(data / "val" / "0.png")) == 2
    assert main(["predict", str(bundle), str(gray), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["detections"] == []
    # What is measured does not change with what is reported.
    assert main([*words, "--json", "--classes", "left"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["thresholds_set"] == {"left": 0.72} and list(again["points"]) == ["left"]
    assert again["points"]["left"]["f1"] == 1.0 and again["map"] == pytest.approx(1.0)


def test_what_cannot_be_set(tmp_path: Path, capsys: Any) -> None:
    bundle, data = write_tiny_bundle(tmp_path / "bundle"), data_set(tmp_path / "data")
    words = ["eval", str(bundle), "--data", str(data), "--set-thresholds"]
    for more, message in (
        (["--precision", "fp32,fp16"], "give one --precision"),
        (["--classes", "up"], '--classes up: no class "up", expected some of left, right'),
    ):
        assert main([*words, *more]) == 2
        assert message in capsys.readouterr().err
    words[1] = str(tmp_path / "bundle.zip")
    assert main(words) == 2
    assert "is not a folder; expected a bundle's folder" in capsys.readouterr().err


def test_what_was_measured_is_shown_where_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    bundle, data = write_tiny_bundle(tmp_path / "bundle"), data_set(tmp_path / "data")
    monkeypatch.setattr("edgecv_runtime.files.whole.write_file", full)
    assert main(["eval", str(bundle), "--data", str(data), "--set-thresholds"]) == 2
    shown = capsys.readouterr()
    assert any(line.split()[:2] == ["left", "0.72"] for line in shown.out.splitlines())
    assert "bundle.json: cannot be written: No space left on device" in shown.err
    assert main(["eval", str(bundle), "--data", str(data), "--set-thresholds", "--json"]) == 2
    shown = capsys.readouterr()
    record = json.loads(shown.out)
    assert record["map"] == pytest.approx(1.0) and "thresholds_set" not in record
    assert "bundle.json: cannot be written: No space left on device" in shown.err
