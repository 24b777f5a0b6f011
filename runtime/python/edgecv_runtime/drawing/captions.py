"""Places for captions: sized to image and box, and never on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.drawing.lettering import Line, fitting

# A caption may cover this part of another box; beyond it the scene is too crowded for it.
_MOST_COVERED = 0.3

Corners = tuple[int, int, int, int]  # x1, y1, x2, y2, the ends left out


class Placed(NamedTuple):
    """A caption and the pixel of its upper left corner."""

    line: Line
    left: int
    top: int


def usual_size(height: int, width: int) -> float:
    """The usual height of a caption on an image of that size, in pixels."""
    return max(11.0, min(height, width) / 36)


def smallest_size(height: int, width: int) -> float:
    """The smallest height of a caption that can be read on a screen, in pixels."""
    return max(10.0, min(height, width) / 90)


def place_captions(
    boxes: Sequence[Corners], texts: Sequence[str], height: int, width: int
) -> list[Placed | None]:
    """A place for each caption, the first ones served first; None where there is no room.

    A caption is as wide as its box where that gives a readable size. It stands above the box, else
    below, else inside; not on another caption, and not on most of another box.
    """
    taken: list[Corners] = []
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    placed: list[Placed | None] = []
    for index, (box, text) in enumerate(zip(boxes, texts, strict=True)):
        line = _sized(text, box, height, width)
        chosen = None
        for left, top in _places(line, box, height, width):
            rectangle = (left, top, left + line.width, top + line.height)
            covered = _overlaps(rectangle, corners) > _MOST_COVERED * areas
            covered[index] = False
            if not covered.any() and not _overlaps(rectangle, np.array(taken).reshape(-1, 4)).any():
                chosen = Placed(line, left, top)
                taken.append(rectangle)
                break
        placed.append(chosen)
    return placed


def _sized(text: str, box: Corners, height: int, width: int) -> Line:
    usual = usual_size(height, width)
    line = Line(text, usual)
    wanted = usual * (box[2] - box[0]) / line.width
    if wanted < usual:
        line = Line(text, max(wanted, smallest_size(height, width)))
    return line if line.width <= width else fitting(text, usual, width)


def _places(line: Line, box: Corners, height: int, width: int) -> list[tuple[int, int]]:
    """Upper left corners, the best first; all inside the image."""
    x1, y1, x2, y2 = box
    lefts = [max(0, min(x1, width - line.width))]
    if x2 - line.width not in lefts and x2 - line.width >= 0:
        lefts.append(x2 - line.width)
    tops = [y1 - line.height, y2]
    if line.height < (y2 - y1) / 2 or y1 < line.height:  # inside, where it hides little
        tops += [y1, y2 - line.height]
    return [(left, top) for top in tops if 0 <= top <= height - line.height for left in lefts]


def _overlaps(rectangle: Corners, others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels that the rectangle shares with each of the others [N, 4]."""
    low = np.maximum(others[:, :2], rectangle[:2])
    high = np.minimum(others[:, 2:], rectangle[2:])
    shared: NDArray[np.float64] = np.maximum(high - low, 0).prod(axis=1)
    return shared
