"""Boxes with captions on images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.drawing.captions import Corners, place_captions, usual_size
from edgecv_runtime.drawing.lettering import drawable_name, fitting
from edgecv_runtime.drawing.palette import PALETTE


def draw_boxes(
    image: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    colors: NDArray[np.int64] | None = None,
    line_width: int | None = None,
    captions: bool = True,
    track_ids: NDArray[np.int64] | None = None,
) -> NDArray[np.uint8]:
    """Draws on a copy.

    Args:
        image: uint8 [H, W, 3], BGR.
        boxes: float32 [N, 4], xyxy in pixels.
        scores: float32 [N], sorted by falling score; the best are drawn last, on top.
        labels: int64 [N], indices of `names`.
        names: captions.
        colors: int64 [N], indices of `PALETTE`, beyond its end from its start again; without them
            the labels.
        line_width: of the boxes, in pixels; None: by the image, thinner on small boxes.
        captions: whether names and scores are written. One for which there is no room is left out.
        track_ids: int64 [N], written before the names; those below 0 are not.

    Returns:
        uint8 [H, W, 3], BGR. Lines and letters grow with the image.
    """
    canvas = np.array(image, order="C")
    height, width = canvas.shape[:2]
    placed = [_inside(box, height, width) for box in boxes]
    chosen = [PALETTE[index % len(PALETTE)] for index in (labels if colors is None else colors)]
    for corners, color in reversed(list(zip(placed, chosen, strict=True))):
        line = line_width or _line_for(corners, height, width)
        _frame(canvas, corners, line, color)
    if not captions:
        return canvas
    ids = np.full(len(labels), -1) if track_ids is None else track_ids
    texts = [
        f"{'' if track < 0 else f'#{track} '}{drawable_name(names[label], int(label))} {score:.2f}"
        for label, score, track in zip(labels, scores, ids, strict=True)
    ]
    for caption, color in zip(place_captions(placed, texts, height, width), chosen, strict=True):
        if caption is not None:
            caption.line.paint(canvas, caption.left, caption.top, color)
    return canvas


def usual_line(height: int, width: int) -> int:
    """Width of lines on an image of that size, in pixels."""
    return max(1, round(min(height, width) / 300))


def check_line_width(line_width: int | None) -> None:
    """Raises InputError unless it is a width in pixels, or None."""
    if line_width is not None and not (isinstance(line_width, int) and line_width > 0):
        raise InputError(f"line_width: expected a number of pixels above 0, got {line_width!r}")


def _line_for(corners: Corners, height: int, width: int) -> int:
    x1, y1, x2, y2 = corners
    return max(1, min(usual_line(height, width), round(min(x2 - x1, y2 - y1) / 8)))


def _inside(box: NDArray[np.float32], height: int, width: int) -> Corners:
    """The pixels that a box covers, x1, y1, x2, y2 with the ends left out; at least one."""
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, min(max(x2, x1 + 1), width), min(max(y2, y1 + 1), height)


def _frame(
    canvas: NDArray[np.uint8],
    corners: Corners,
    line: int,
    color: tuple[int, int, int],
) -> None:
    """Four bars inside the box: their edges lie on whole pixels, so they stay crisp."""
    x1, y1, x2, y2 = corners
    canvas[y1 : min(y1 + line, y2), x1:x2] = color
    canvas[max(y2 - line, y1) : y2, x1:x2] = color
    canvas[y1:y2, x1 : min(x1 + line, x2)] = color
    canvas[y1:y2, max(x2 - line, x1) : x2] = color


def draw_note(canvas: NDArray[np.uint8], text: str) -> None:
    """Writes a line into the upper left corner of uint8 [H, W, 3], in place."""
    height, width = canvas.shape[:2]
    fitting(text, usual_size(height, width), width).paint(canvas, 0, 0, (0, 0, 0))


def draw_legend(
    canvas: NDArray[np.uint8],
    lines: Sequence[str],
    colors: Sequence[tuple[int, ...]],
) -> None:
    """Writes lines below each other from the upper left corner of uint8 [H, W, 3], in place.

    Each stands on a ground of its colour (B, G, R); those that do not fit any more are left out.
    """
    height, width = canvas.shape[:2]
    top = 0
    for text, color in zip(lines, colors, strict=True):
        line = fitting(text, usual_size(height, width), width)
        if top + line.height > height:
            return
        line.paint(canvas, 0, top, color)
        top += line.height
