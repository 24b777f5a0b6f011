"""COCO average precision by pycocotools, without torch."""

from __future__ import annotations

import contextlib
import io
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv.data.records import Record


@dataclass(frozen=True)
class Detected:
    """Boxes float32 [N, 4] xyxy in pixels, scores float32 [N], labels int64 [N] from 0."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Precision:
    """Average precision in 0..1; NaN where there is no object to find.

    map: mean over classes and IoU 0.5:0.05:0.95 (COCO); map50, map75: at one IoU; classes: for each
    label its `ap` and `ap50`; at most 100 detections for each image count.
    """

    map: float
    map50: float
    map75: float
    classes: dict[str, dict[str, float]]
    images: int
    objects: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None where there is no object."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: plain(entry) for key, entry in value.items()}
            return None if isinstance(value, float) and math.isnan(value) else value

        return {key: plain(value) for key, value in asdict(self).items()}


def average_precision(
    records: list[Record], detections: list[Detected], labels: list[str]
) -> Precision:
    """Compares detections with the truth, image by image.

    Boxes marked `ignore` are COCO crowds: they need not be found, and finding them is no error.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images = [{"id": i} for i in range(1, len(records) + 1)]
    categories = [{"id": i, "name": name} for i, name in enumerate(labels)]
    truth: list[dict[str, Any]] = []
    for image, record in zip(images, records, strict=True):
        for box, label, ignore in zip(record.boxes, record.labels, record.ignore, strict=True):
            truth.append(_annotation(len(truth) + 1, image["id"], box, label, int(ignore)))
    found: list[dict[str, Any]] = []
    for image, result in zip(images, detections, strict=True):
        for box, score, label in zip(result.boxes, result.scores, result.labels, strict=True):
            entry = _annotation(len(found) + 1, image["id"], box, label, 0)
            found.append(entry | {"score": float(score)})

    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        evaluation = COCOeval(
            _index(COCO(), images, categories, truth),
            _index(COCO(), images, categories, found),
            "bbox",
        )
        evaluation.evaluate()
        evaluation.accumulate()
    # [IoU thresholds, recalls, classes], all areas, 100 detections; -1 where a class has no object
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    return Precision(
        map=_mean(precision),
        map50=_mean(precision[0]),
        map75=_mean(precision[5]),
        classes={
            name: {"ap": _mean(precision[:, :, i]), "ap50": _mean(precision[0, :, i])}
            for i, name in enumerate(labels)
        },
        images=len(records),
        objects=sum(1 for entry in truth if not entry["iscrowd"]),
    )


def _annotation(
    identity: int, image: int, box: NDArray[np.float32], label: int, crowd: int
) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return {
        "id": identity,
        "image_id": image,
        "category_id": int(label),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": crowd,
    }


def _index(
    coco: Any,
    images: list[dict[str, Any]],
    categories: list[dict[str, Any]],
    annotations: list[dict[str, Any]],
) -> Any:
    # Not COCO.loadRes, which fails on an empty list.
    coco.dataset = {"images": images, "categories": categories, "annotations": annotations}
    coco.createIndex()
    return coco


def _mean(precision: NDArray[np.float64]) -> float:
    counted = precision[precision > -1]
    return float(counted.mean()) if counted.size else math.nan
