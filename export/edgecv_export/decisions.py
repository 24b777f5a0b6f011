"""Which decisions of a detector's postprocessing rounding could turn.

Two implementations of one network differ in the last digits. Where a score lies that close to the
threshold, or two overlapping boxes have almost the same score, either result is right. Here each
candidate of a class is found *kept*, *out*, or *open*: kept by every computation within the
margins, dropped by every one, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KEPT, OPEN, OUT = 1, 0, -1


@dataclass
class Margins:
    score: float  # how far scores may differ
    box: float  # how far the sides of boxes may differ, in pixels of the network's input


@dataclass
class Rule:
    score_threshold: float
    iou_threshold: float
    topk_candidates: int


def decide(scores: np.ndarray, boxes: np.ndarray, rule: Rule, margins: Margins) -> np.ndarray:
    """Int8 [A]: KEPT, OPEN or OUT for each candidate of one class.

    ``scores`` [A] and ``boxes`` [A, 4] (xyxy, clipped, pixels of the network's input). The limit on
    the detections of a whole picture is not looked at.
    """
    state = np.full(len(scores), OUT, np.int8)
    sure, possible = _candidates(scores.astype(np.float64), rule, margins)
    chosen = np.flatnonzero(possible)
    state[chosen] = _suppress(
        scores[chosen].astype(np.float64),
        boxes[chosen].astype(np.float64),
        sure[chosen],
        rule,
        margins,
    )
    return state


def _candidates(scores: np.ndarray, rule: Rule, margins: Margins) -> tuple[np.ndarray, np.ndarray]:
    """Who surely, and who possibly, passes the threshold and is among the top k."""
    possible = scores > rule.score_threshold - margins.score
    sure = scores > rule.score_threshold + margins.score
    if np.count_nonzero(possible) > rule.topk_candidates:
        falling = np.sort(scores[possible])[::-1]
        last_in, first_out = falling[rule.topk_candidates - 1], falling[rule.topk_candidates]
        possible &= scores > last_in - 2 * margins.score
        sure &= scores > first_out + 2 * margins.score
    return sure, possible


def _suppress(
    scores: np.ndarray, boxes: np.ndarray, sure: np.ndarray, rule: Rule, margins: Margins
) -> np.ndarray:
    """Suppression in three values: repeated until nothing more can be settled."""
    overlap, slack = _iou(boxes, margins.box)
    lead = scores[:, None] - scores[None, :]  # of the row over the column
    may_suppress = (lead > -2 * margins.score) & (overlap > rule.iou_threshold - slack)
    must_suppress = (lead > 2 * margins.score) & (overlap > rule.iou_threshold + slack)
    np.fill_diagonal(may_suppress, False)

    state = np.full(len(scores), OPEN, np.int8)
    while True:
        threatened = may_suppress[state != OUT].any(axis=0)
        beaten = must_suppress[state == KEPT].any(axis=0)
        settled = np.where(beaten, OUT, np.where(sure & ~threatened, KEPT, state))
        if np.array_equal(settled, state):
            return state
        state = settled.astype(np.int8)


def _iou(boxes: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """IoU of each pair [n, n], and how far off if each side of a box is by ``margin``."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = (high - low).clip(min=0).prod(axis=2)
    sides = boxes[:, 2:] - boxes[:, :2]
    area = sides.prod(axis=1)
    union = area[:, None] + area[None, :] - common
    half = sides.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Boxes without area overlap nothing (0 / 0), as in torchvision's suppression.
        overlap = np.nan_to_num(common / union)
        slack = 4 * margin * (half[:, None] + half[None, :]) / union
    touching = (high - low > -2 * margin).all(axis=2)
    return overlap, np.where(touching, np.nan_to_num(slack, nan=1.0, posinf=1.0), 0.0)
