"""Scores moved within their rounding, so that a detector decides as another one did."""

from __future__ import annotations

import torch
from torch import Tensor

from edgecv_export.parity.detected import Detected
from edgecv_export.parity.replay import Preference

LAST_DIGITS = 1e-6  # of the largest logit: a few units in its last place
# Margins whose sigmoid differs from 1 by a few units in the last place of float32 (0, 5 and 38):
# there, scores do not show the order of their logits.
FULL, NEARLY_FULL, LESS_FULL = 17.0, 15.0, 13.0


def steer(
    logits: Tensor, margins: Tensor, scores: Tensor, boxes: Tensor, preference: Preference
) -> Tensor:
    """Logits of N candidates and C classes that prefer some detections where rounding lets them.

    Args:
        logits: float32 [N, C].
        margins: float64 [N, C]; their sigmoid is the probability: the logits themselves, or those
            of a softmax less what its other classes sum up to (softmax_margins).
        scores: float32 [N, C], what detections are known by.
        boxes: float32 [N, 4] or [N, C, 4], xyxy in pixels of the image.
    """
    step = LAST_DIGITS * float(logits.abs().max())
    steered = margins.clamp(max=NEARLY_FULL)
    rows, columns = _candidates_of(preference.unwanted, scores, boxes, preference)
    steered[rows, columns] = (margins[rows, columns] - step).clamp(max=LESS_FULL)
    rows, columns = _candidates_of(preference.wanted, scores, boxes, preference)
    wanted = margins[rows, columns]
    steered[rows, columns] = torch.where(wanted > LESS_FULL, wanted.clamp(min=FULL), wanted + step)
    return (logits.double() + steered - margins).float()


def steer_softmax(logits: Tensor, boxes: Tensor, preference: Preference) -> Tensor:
    """`steer` for logits float32 [N, C + 1], the background first, with boxes [N, 4] or
    [N, C + 1, 4]."""
    classes = slice(1, None)
    steered = logits.clone()
    steered[:, classes] = steer(
        logits[:, classes],
        softmax_margins(logits)[:, classes],
        logits.softmax(dim=1)[:, classes],
        boxes if boxes.ndim == 2 else boxes[:, classes],
        preference,
    )
    return steered


def softmax_margins(logits: Tensor) -> Tensor:
    """float64 [N, C]: each logit less the logarithm of the sum of the others' exponentials."""
    logits = logits.double()
    probabilities = logits.softmax(dim=1)
    margins = probabilities.log() - torch.log1p(-probabilities)
    # 1 - p keeps no digit of the strongest class.
    best, column = logits.max(dim=1, keepdim=True)
    others = logits.scatter(1, column, -torch.inf).logsumexp(dim=1, keepdim=True)
    return margins.scatter(1, column, best - others)


def _candidates_of(
    detected: Detected, scores: Tensor, boxes: Tensor, preference: Preference
) -> tuple[list[int], list[int]]:
    """Rows and columns of the candidates that are nearest to the detections; those
    without a near candidate are left out."""
    rows, columns = [], []
    for box, score, label in zip(
        torch.from_numpy(detected.boxes), detected.scores, detected.labels, strict=True
    ):
        column = int(label)
        score_distance = (scores[:, column] - float(score)).abs()
        (near,) = torch.where(score_distance <= preference.score)
        if not len(near):
            continue
        others = boxes[near] if boxes.ndim == 2 else boxes[near, column]
        box_distance = (others - box).abs().amax(dim=1)
        distance = torch.maximum(
            box_distance / preference.box, score_distance[near] / preference.score
        )
        nearest = int(distance.argmin())
        if distance[nearest] <= 1:
            rows.append(int(near[nearest]))
            columns.append(column)
    return rows, columns
