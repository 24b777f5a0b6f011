"""How far two models agree on images without labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime import InputError
from edgecv_runtime.ops import box_iou

# Objects that the gate asks for, and the score from which on the other model's count as the same.
CLEAR_SCORE, FAINT_SCORE = 0.5, 0.25
SAME_OBJECT_IOU = 0.5


@dataclass(frozen=True)
class Agreement:
    """``value`` is 0..1; ``count`` says how many of ``unit`` were compared."""

    measure: str
    value: float
    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.measure} {100 * self.value:.2f} % of {self.count} {self.unit}"


def agreement(task: str, pairs: Iterable[tuple[Any, Any]]) -> Agreement:
    """Compares results of two models, image by image.

    * ``detect``, ``instance``: objects with a score of at least 0.5 in either model that the other
      model has too: same label, IoU of at least 0.5, score of at least 0.25, one to one.
    * ``segment``: pixels with the same label.
    * ``classify``: images with the same first label.
    * ``stylize``: 1 - root mean square difference / 255; 0.98 is a PSNR of 34 dB.

    Args:
        task: the manifest's.
        pairs: results of the reference and of the other model for the same image.

    Raises:
        InputError: there is nothing to compare, such as detectors that see no object.
    """
    return _MEASURES[task](pairs)


def _matched_detections(pairs: Iterable[tuple[Any, Any]]) -> Agreement:
    matched = objects = 0
    for pair in pairs:
        for one, other in (pair, pair[::-1]):
            clear = one.scores >= CLEAR_SCORE
            faint = other.scores >= FAINT_SCORE
            objects += int(clear.sum())
            matched += _matches(
                one.boxes[clear], one.labels[clear], other.boxes[faint], other.labels[faint]
            )
    if objects == 0:
        raise InputError(
            f"neither model sees an object with a score of {CLEAR_SCORE} on these images, so "
            "they cannot be compared: give images with objects, or labelled data"
        )
    return Agreement("matched detections", matched / objects, objects, "detections of both")


def _matches(
    boxes: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    other_boxes: npt.NDArray[np.float32],
    other_labels: npt.NDArray[np.int64],
) -> int:
    """How many of the boxes find a partner of their own; the best overlaps go first."""
    if not len(boxes) or not len(other_boxes):
        return 0
    iou = box_iou(boxes, other_boxes)
    iou[labels[:, None] != other_labels[None, :]] = 0
    count = 0
    for flat in np.argsort(-iou, axis=None, kind="stable"):
        row, column = np.unravel_index(flat, iou.shape)
        if iou[row, column] < SAME_OBJECT_IOU:
            continue
        iou[row, :] = iou[:, column] = 0
        count += 1
    return count


def _same_pixels(pairs: Iterable[tuple[Any, Any]]) -> Agreement:
    same = pixels = 0
    for one, other in pairs:
        same += int((one.mask == other.mask).sum())
        pixels += one.mask.size
    return Agreement("same pixels", _share(same, pixels), pixels, "pixels")


def _same_first_label(pairs: Iterable[tuple[Any, Any]]) -> Agreement:
    same = [int(one.labels[0]) == int(other.labels[0]) for one, other in pairs]
    return Agreement("same first label", _share(sum(same), len(same)), len(same), "images")


def _near_images(pairs: Iterable[tuple[Any, Any]]) -> Agreement:
    squares, values, images = 0.0, 0, 0
    for one, other in pairs:
        difference = one.image.astype(np.float32) - other.image
        squares += float(np.square(difference, dtype=np.float64).sum())
        values += difference.size
        images += 1
    if not values:
        return Agreement("near images", _share(0, 0), 0, "images")
    return Agreement("near images", 1 - (squares / values) ** 0.5 / 255, images, "images")


def _share(part: int, whole: int) -> float:
    if whole == 0:
        raise InputError("no image to compare the two models on: give some")
    return part / whole


_MEASURES = {
    "detect": _matched_detections,
    "instance": _matched_detections,
    "segment": _same_pixels,
    "classify": _same_first_label,
    "stylize": _near_images,
}
