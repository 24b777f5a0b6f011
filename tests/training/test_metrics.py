"""Average precision: by hand, and as pycocotools computes it from files."""

from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from edgecv.data.reading.records import DetectionData, Record
from edgecv.training.detection.evaluation import evaluate, match_labels
from edgecv.training.detection.metrics import Detected, average_precision
from edgecv_runtime import InputError


def record(boxes: list[list[float]], labels: list[int], ignore: list[bool] | None = None) -> Record:
    return Record(
        Path("a.png"),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(ignore or [False] * len(labels), np.bool_),
    )


def detected(boxes: list[list[float]], scores: list[float], labels: list[int]) -> Detected:
    return Detected(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(labels, np.int64),
    )


A, B, FAR = [0, 0, 100, 100], [200, 0, 300, 100], [0, 300, 50, 350]


def test_by_hand() -> None:
    # Right, wrong, right: precision 1 up to recall 1/2, then 2/3, at recalls 0, 0.01, ..., 1.
    # The last box, 82 of 100 wide, has IoU 0.82: right at 0.5 .. 0.8, wrong at 0.85 .. 0.95.
    narrow = [200, 0, 282, 100]
    result = average_precision(
        [record([A, B], [0, 0])], [detected([A, FAR, narrow], [0.9, 0.8, 0.7], [0] * 3)], ["x", "y"]
    )
    both, one = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert result.map50 == pytest.approx(both)
    assert result.map75 == pytest.approx(both)
    assert result.map == pytest.approx((7 * both + 3 * one) / 10)
    assert result.classes["x"]["ap50"] == pytest.approx(both)
    assert math.isnan(result.classes["y"]["ap"])
    assert result.to_dict()["classes"]["y"]["ap"] is None
    assert (result.images, result.objects) == (1, 2)


def test_ignored_boxes_are_neither_missed_nor_errors() -> None:
    truth = [record([A, B], [0, 0], [False, True])]
    assert average_precision(truth, [detected([A], [0.5], [0])], ["x"]).map == pytest.approx(1)
    found = [detected([B, A], [0.9, 0.5], [0, 0])]
    assert average_precision(truth, found, ["x"]).map == pytest.approx(1)
    counted = [record([A], [0])]
    assert average_precision(counted, found, ["x"]).map == pytest.approx(0.5)
    assert average_precision(truth, [detected([A], [0.5], [0])], ["x"]).objects == 1


def test_nothing_found_and_nothing_to_find() -> None:
    nothing = detected([], [], [])
    assert average_precision([record([A], [0])], [nothing], ["x"]).map == 0
    assert math.isnan(average_precision([record([], [])], [nothing], ["x"]).map)


def test_equals_pycocotools_on_files(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    generator = np.random.default_rng(0)
    labels = ["x", "y", "z"]
    records, results = [], []
    truth, found = [], []
    for image in range(20):
        count = int(generator.integers(0, 8))
        corner = generator.uniform(0, 200, (count, 2))
        boxes = np.concatenate([corner, corner + generator.uniform(20, 120, (count, 2))], 1)
        classes = generator.integers(0, 3, count)
        moved = boxes + generator.normal(0, 6, boxes.shape)
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        guessed = np.where(generator.uniform(size=count) < 0.8, classes, 2)
        scores = generator.uniform(size=count)
        records.append(record(boxes.tolist(), classes.tolist()))
        results.append(detected(moved.tolist(), scores.tolist(), guessed.tolist()))
        for box, label in zip(records[-1].boxes.tolist(), classes, strict=True):
            xywh = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            truth.append(
                {"id": len(truth) + 1, "image_id": image, "category_id": int(label) + 10}
                | {"bbox": xywh, "area": xywh[2] * xywh[3], "iscrowd": 0}
            )
        for box, score, label in zip(
            results[-1].boxes.tolist(), results[-1].scores.tolist(), guessed, strict=True
        ):
            xywh = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            found.append(
                {"image_id": image, "category_id": int(label) + 10, "bbox": xywh, "score": score}
            )
    content = {
        "images": [{"id": i} for i in range(20)],
        "annotations": truth,
        "categories": [{"id": i + 10, "name": name} for i, name in enumerate(labels)],
    }
    (tmp_path / "truth.json").write_text(json.dumps(content))
    (tmp_path / "found.json").write_text(json.dumps(found))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "truth.json"))
        evaluation = COCOeval(coco, coco.loadRes(str(tmp_path / "found.json")), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    result = average_precision(records, results, labels)
    assert [result.map, result.map50, result.map75] == pytest.approx(evaluation.stats[:3])
    assert 0.2 < result.map < 0.8


def test_labels_are_matched_by_name() -> None:
    data = DetectionData(["b", "a"], [record([A, B], [0, 1])])
    matched = match_labels(data, ["a", "c", "b"])
    assert matched.labels == ["a", "c", "b"]
    assert matched.records[0].labels.tolist() == [2, 0]
    with pytest.raises(InputError, match="does not know: b; the model has a, c"):
        evaluate(lambda image: detected([], [], []), data, ["a", "c"])
