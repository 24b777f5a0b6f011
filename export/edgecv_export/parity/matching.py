"""Two lists of detections of one image, matched one to one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgecv_export.parity.detected import Detected

SAME_OBJECT_IOU = 0.5  # detections that differ beyond tolerance still count as a pair above it


@dataclass
class Matching:
    pairs: list[tuple[int, int]]  # (reference, other) within tolerance
    reference_left: list[int]
    other_left: list[int]


def match_within(
    reference: Detected, other: Detected, box_tolerance: float, score_tolerance: float
) -> Matching:
    """Pairs detections of one label that agree within the tolerances, the closest first.

    ``box_tolerance`` in pixels of the image, for each side of a box.
    """
    box, score = differences(reference, other)
    # In units of the tolerances: boxes without area have no IoU, but they have a distance.
    cost = np.maximum(box / box_tolerance, score / score_tolerance)
    cost[reference.labels[:, None] != other.labels[None, :]] = np.inf
    return _greedy(cost, 1.0)


def match_overlapping(
    reference: Detected, other: Detected, rows: list[int], columns: list[int]
) -> list[tuple[int, int]]:
    """Pairs what tolerance left over, of one label, by the best IoU."""
    first, second = reference.boxes[rows], other.boxes[columns]
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = (high - low).clip(min=0).prod(axis=2)
    area1 = (first[:, 2:] - first[:, :2]).prod(axis=1)
    area2 = (second[:, 2:] - second[:, :2]).prod(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = np.nan_to_num(common / (area1[:, None] + area2[None, :] - common))
    iou[reference.labels[rows][:, None] != other.labels[columns][None, :]] = 0
    found = _greedy(1 - iou, 1 - SAME_OBJECT_IOU)
    return [(rows[i], columns[j]) for i, j in found.pairs]


def differences(reference: Detected, other: Detected) -> tuple[np.ndarray, np.ndarray]:
    """Largest difference of a side, and difference of the scores, of each pair: [N, M] both."""
    box = np.abs(reference.boxes[:, None] - other.boxes[None]).max(axis=2, initial=0)
    score = np.abs(reference.scores[:, None] - other.scores[None])
    return box.astype(np.float64), score.astype(np.float64)


def _greedy(cost: np.ndarray, limit: float) -> Matching:
    rows_free = np.ones(cost.shape[0], bool)
    columns_free = np.ones(cost.shape[1], bool)
    pairs = []
    rows, columns = np.nonzero(cost <= limit)
    for index in np.argsort(cost[rows, columns], kind="stable"):
        row, column = int(rows[index]), int(columns[index])
        if rows_free[row] and columns_free[column]:
            rows_free[row] = columns_free[column] = False
            pairs.append((row, column))
    return Matching(
        pairs, np.flatnonzero(rows_free).tolist(), np.flatnonzero(columns_free).tolist()
    )
