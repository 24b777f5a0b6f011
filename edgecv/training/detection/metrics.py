"""COCO average precision by pycocotools, without torch."""

from __future__ import annotations

import contextlib
import io
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv.data.reading.masks import RunLengths, box_mask
from edgecv.data.reading.records import Record
from edgecv_runtime.one_line import printable

from .operating_points import OperatingPoint, operating_points


@dataclass(frozen=True)
class Detected:
    """Boxes float32 [N, 4] xyxy in pixels, scores float32 [N], labels int64 [N] from 0; masks over
    the whole image from a detector that gives them."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    masks: list[RunLengths] | None = None


@dataclass(frozen=True)
class Precision:
    """Average precision in 0..1; NaN where the data has no object.

    map: mean over classes and IoU 0.5:0.05:0.95 (COCO); map50, map75: at one IoU; classes: for each
    label its `ap` and `ap50`; at most 100 detections for each image count.
    """

    map: float
    map50: float
    map75: float
    classes: dict[str, dict[str, float]]
    images: int
    objects: int
    points: dict[str, OperatingPoint]  # for each label, at IoU 0.5: the threshold of the best F1
    masks: Precision | None = None  # the same, with the overlap of masks instead of boxes

    @property
    def headline(self) -> tuple[str, float]:
        """The metric that counts: of the masks, if there are any."""
        return ("mask mAP", self.masks.map) if self.masks is not None else ("mAP", self.map)

    @property
    def best_points(self) -> dict[str, OperatingPoint]:
        """Those that count: of the masks, if there are any."""
        return self.points if self.masks is None else self.masks.points

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None where there is no object. `masks` only if the detector gives them."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: plain(entry) for key, entry in value.items()}
            return None if isinstance(value, float) and math.isnan(value) else value

        content = {key: plain(value) for key, value in asdict(self).items()}
        if self.masks is None:
            del content["masks"]
        else:
            content["masks"] = self.masks.to_dict()
        return content

    def table(self) -> str:
        """For a person."""
        lines = self._rows("boxes" if self.masks else "")
        if self.masks is not None:
            lines += ["", *self.masks._rows("masks")]
        lines += ["", *_point_lines(self.best_points)]
        lines.append(f"{self.images} images, {self.objects} objects")
        return "\n".join(lines)

    def _rows(self, title: str) -> list[str]:
        classes = {printable(name): values for name, values in self.classes.items()}
        width = max(len(name) for name in [*classes, "all", title])
        lines = [f"{title:{width}}  mAP    mAP@0.5  mAP@0.75"]
        lines.append(f"{'all':{width}}  {self.map:.3f}  {self.map50:.3f}    {self.map75:.3f}")
        for name, values in classes.items():
            lines.append(f"{name:{width}}  {values['ap']:.3f}  {values['ap50']:.3f}")
        return lines


def _point_lines(points: dict[str, OperatingPoint]) -> list[str]:
    points = {printable(name): point for name, point in points.items()}
    title = "best F1 at IoU 0.5"
    width = max(len(name) for name in [*points, title])
    lines = [f"{title:{width}}  threshold  precision  recall  F1"]
    for name, point in points.items():
        if math.isnan(point.threshold):
            lines.append(f"{name:{width}}  -")
        else:
            lines.append(
                f"{name:{width}}  {point.threshold:<9.4g}  {point.precision:<9.3f}  "
                f"{point.recall:<6.3f}  {point.f1:.3f}"
            )
    return lines


def average_precision(
    records: list[Record], detections: list[Detected], labels: list[str]
) -> Precision:
    """Compares detections with the truth, image by image; masks too, where both have them.

    Boxes marked `ignore` are COCO crowds: they need not be detected, and detecting them is not an
    error. The same holds for the masks of an object without one: what lies in its box does not
    count.
    """
    boxes = _precision(records, detections, labels, "bbox")
    if any(r.masks is None for r in records) or any(d.masks is None for d in detections):
        return boxes
    complete = [_with_all_masks(record) for record in records]
    return replace(boxes, masks=_precision(complete, detections, labels, "segm"))


def _with_all_masks(record: Record) -> Record:
    """The record with the box as the mask of each object that has none, marked `ignore`."""
    assert record.masks is not None
    lacking = np.array([code is None for code in record.masks], np.bool_)
    if not lacking.any():
        return record
    assert record.size is not None
    masks: list[RunLengths | None] = [
        code if code is not None else box_mask(box, record.size)
        for code, box in zip(record.masks, record.boxes, strict=True)
    ]
    return replace(record, masks=masks, ignore=record.ignore | lacking)


def _precision(
    records: list[Record], detections: list[Detected], labels: list[str], overlap: str
) -> Precision:
    """`overlap`: pycocotools' `bbox` or `segm`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images: list[dict[str, Any]] = [{"id": i} for i in range(1, len(records) + 1)]
    if overlap == "segm":  # pycocotools asks for the size of every image that has a mask
        for image, record, result in zip(images, records, detections, strict=True):
            for code in [*(record.masks or []), *(result.masks or [])]:
                assert code is not None
                image["height"], image["width"] = code["size"]
    categories = [{"id": i, "name": name} for i, name in enumerate(labels)]
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image, record, result in zip(images, records, detections, strict=True):
        for i, crowd in enumerate(record.ignore):
            entry = _annotation(len(truth) + 1, image["id"], record, i, overlap)
            truth.append(entry | {"iscrowd": int(crowd)})
        for i, score in enumerate(result.scores):
            entry = _annotation(len(found) + 1, image["id"], result, i, overlap)
            found.append(entry | {"iscrowd": 0, "score": float(score)})

    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        evaluation = COCOeval(
            _index(COCO(), images, categories, truth),
            _index(COCO(), images, categories, found),
            overlap,
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
        points=operating_points(evaluation, labels),
    )


def _annotation(
    identity: int, image: int, objects: Record | Detected, index: int, overlap: str
) -> dict[str, Any]:
    from pycocotools import mask as coco_mask

    common = {"id": identity, "image_id": image, "category_id": int(objects.labels[index])}
    if overlap == "segm":
        assert objects.masks is not None
        code = objects.masks[index]
        return common | {"segmentation": code, "area": float(coco_mask.area(code))}
    x1, y1, x2, y2 = (float(value) for value in objects.boxes[index])
    return common | {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}


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
