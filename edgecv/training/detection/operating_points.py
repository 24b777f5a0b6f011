"""Where to put each class's score threshold: precision, recall and F1 at one IoU, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OperatingPoint:
    """Of one class, with its threshold where F1 is best: what scores above it is reported.

    precision: right ones of those reported; recall: found ones of the objects; f1: their harmonic
    mean; all in 0..1. A class without an object in the data, or of which nothing was found, has no
    best threshold: then all are NaN.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


NOWHERE = OperatingPoint(math.nan, math.nan, math.nan, math.nan)


def best_point(scores: NDArray[Any], right: NDArray[np.bool_], objects: int) -> OperatingPoint:
    """The threshold with the best F1; of equal ones the highest.

    Args:
        scores: [N], 0..1, of the detections of all images, in any order.
        right: bool [N], whether each was matched with an object of its own.
        objects: how many there are to find.
    """
    if objects == 0 or not right.any():
        return NOWHERE
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order].astype(np.float32), right[order]
    reported = np.arange(1, len(scores) + 1)
    found = np.cumsum(right)
    f1 = 2 * found / (reported + objects)
    # A threshold takes all detections of one score, or none of them.
    last = np.append(scores[:-1] != scores[1:], True)
    best = int(np.argmax(np.where(last, f1, -1)))
    below = float(scores[best + 1]) if best + 1 < len(scores) else 0.0
    return OperatingPoint(
        threshold=_between(below, float(scores[best])),
        precision=float(found[best] / reported[best]),
        recall=float(found[best] / objects),
        f1=float(f1[best]),
    )


def operating_points(evaluation: Any, names: list[str]) -> dict[str, OperatingPoint]:
    """Of each class, at the first IoU of a pycocotools evaluation (0.5) over objects of all sizes.

    Matches are COCO's: image by image and class by class, the best score first; crowds count as
    neither found nor wrong.
    """
    params = evaluation.params
    all_sizes = params.areaRng[0]
    by_class: dict[int, list[dict[str, Any]]] = {i: [] for i in range(len(names))}
    for entry in evaluation.evalImgs:
        if entry is not None and entry["aRng"] == all_sizes:
            by_class[entry["category_id"]].append(entry)
    return {name: _point_of(by_class[i]) for i, name in enumerate(names)}


def _point_of(entries: Iterable[dict[str, Any]]) -> OperatingPoint:
    scores: list[float] = []
    right: list[bool] = []
    objects = 0
    for entry in entries:
        objects += int((np.asarray(entry["gtIgnore"]) == 0).sum())
        counted = np.asarray(entry["dtIgnore"][0]) == 0
        scores += np.asarray(entry["dtScores"])[counted].tolist()
        right += (np.asarray(entry["dtMatches"][0])[counted] > 0).tolist()
    return best_point(np.array(scores, np.float32), np.array(right, np.bool_), objects)


def _between(below: float, above: float) -> float:
    """A short number t with below <= t < above in float32, near their middle."""
    middle = (below + above) / 2
    for digits in range(2, 9):
        rounded = round(middle, digits)
        if np.float32(below) <= np.float32(rounded) < np.float32(above):
            return rounded
    return below
