"""What boxes and scores are, by their values: unit, encoding, and which column is the background.

A rule objects only where the values leave no doubt; otherwise the manifest is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PARTS = 2.0  # boxes in 0..1 reach a little beyond
_SMALLEST_INPUT = 8  # pixels: in a smaller input a pixel is a large part
_MOST = 0.98
_FEW_BOXES = 16
_FEW_ANCHORS = 100


def wrong_unit(boxes: NDArray[Any], normalized: bool, sides: Sequence[int]) -> str | None:
    """What the unit of finished boxes [N, 4] is, where it is not the declared one; ``sides`` are
    the height and width of the network's input."""
    reach = np.abs(boxes).max(axis=1)
    if not normalized and min(sides) >= _SMALLEST_INPUT and float(reach.max(initial=0)) <= _PARTS:
        return "0..1" if reach.max(initial=0) > 0 else None
    if normalized and float(np.median(reach)) > _PARTS:
        return "pixels"
    return None


def wrong_encoding(
    boxes: NDArray[Any], encoding: str, sides: Sequence[int], normalized: bool
) -> str | None:
    """What to write in place of a wrong box encoding; None where it may be right."""
    if len(boxes) < _FEW_BOXES:
        return None
    ordered = (boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1])
    if encoding == "xyxy":
        inverted = (boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1])
        if inverted.mean() <= 0.5 or (boxes[:, 2:] < 0).any(axis=1).mean() > 0.02:
            return None
        return f"x2 < x1 or y2 < y1 in {100 * inverted.mean():.0f} % of them: write cxcywh or xywh"
    # Where boxes lie all over the image, those on the right side are wider than they are far right
    # only if the last two numbers are corners.
    height, width = (1.0, 1.0) if normalized else (float(sides[0]), float(sides[1]))
    spread = np.std(boxes[:, 0]) > 0.15 * width and np.std(boxes[:, 1]) > 0.15 * height
    inside = (boxes[:, 2] <= 1.2 * width) & (boxes[:, 3] <= 1.2 * height)
    if spread and ordered.mean() >= _MOST and inside.mean() >= _MOST:
        return "the last two numbers are never below the first two, as corners: write xyxy"
    return None


def wrong_background(scores: NDArray[Any], background: str) -> str | None:
    """``"first"`` or ``"last"`` where the background is that column and not the declared one;
    ``scores`` [N, columns] of all anchors, logits or probabilities."""
    columns = scores.shape[1]
    if len(scores) < _FEW_ANCHORS or columns < 2:
        return None
    best = scores.argmax(axis=1)
    places = {"first": 0, "last": columns - 1}
    other = "last" if background == "first" else "first"
    if (best == places[other]).mean() < _MOST or (best == places[background]).mean() > 1 - _MOST:
        return None
    # A network that gives the same everywhere knows nothing about backgrounds.
    return other if float(scores.std(axis=0).max()) > 1e-3 else None
