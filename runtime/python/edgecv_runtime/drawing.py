"""Boxes with captions on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.palette import PALETTE


def draw_boxes(
    image: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    colors: NDArray[np.int64] | None = None,
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

    Returns:
        uint8 [H, W, 3], BGR. Lines and letters grow with the picture.
    """
    cv2 = import_cv2()
    canvas = np.array(image, order="C")
    height, width = canvas.shape[:2]
    line = max(1, round(min(height, width) / 300))
    placed = [_inside(box, height, width) for box in boxes]
    chosen = [PALETTE[index % len(PALETTE)] for index in (labels if colors is None else colors)]
    for corners, color in reversed(list(zip(placed, chosen, strict=True))):
        _frame(canvas, corners, line, color)
    captions = [f"{names[label]} {score:.2f}" for label, score in zip(labels, scores, strict=True)]
    for corners, caption, color in reversed(list(zip(placed, captions, chosen, strict=True))):
        _caption(cv2, canvas, corners, caption, color)
    return canvas


def _inside(box: NDArray[np.float32], height: int, width: int) -> tuple[int, int, int, int]:
    """The pixels that a box covers, x1, y1, x2, y2 with the ends left out; at least one."""
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, min(max(x2, x1 + 1), width), min(max(y2, y1 + 1), height)


def _frame(
    canvas: NDArray[np.uint8],
    corners: tuple[int, int, int, int],
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
    _caption(import_cv2(), canvas, (0, 0, 0, 0), text, (0, 0, 0))


def draw_legend(
    canvas: NDArray[np.uint8],
    lines: Sequence[str],
    colors: Sequence[tuple[int, ...]],
) -> None:
    """Writes lines below each other from the upper left corner of uint8 [H, W, 3], in place.

    Each stands on a ground of its colour (B, G, R); those that do not fit any more are left out.
    """
    cv2 = import_cv2()
    top = 0
    for text, color in zip(lines, colors, strict=True):
        block = _Block(cv2, canvas, text)
        if top + block.height > canvas.shape[0]:
            return
        block.paint(0, top, color)
        top += block.height


def _caption(
    cv2: Any,
    canvas: NDArray[np.uint8],
    corners: tuple[int, int, int, int],
    text: str,
    color: tuple[int, int, int],
) -> None:
    """Text on a filled ground: above the box where there is room, else inside it."""
    height, width = canvas.shape[:2]
    block = _Block(cv2, canvas, text)
    x1, y1, _, _ = corners
    left = max(0, min(x1, width - block.width))
    top = y1 - block.height if y1 >= block.height else min(y1, height - block.height)
    block.paint(left, top, color)


class _Block:
    """A line of text with its ground, as large as befits the picture and not wider than it."""

    def __init__(self, cv2: Any, canvas: NDArray[np.uint8], text: str) -> None:
        height, width = canvas.shape[:2]
        wanted = max(11.0, min(height, width) / 36)  # height of a capital letter with its margins
        scale, stroke = wanted / 30, max(1, round(wanted / 22))
        (text_width, text_height), below = cv2.getTextSize(text, _FONT, scale, stroke)
        margin = max(2, round(wanted / 6))
        if text_width + 2 * margin > width:
            scale *= width / (text_width + 2 * margin)
            (text_width, text_height), below = cv2.getTextSize(text, _FONT, scale, stroke)
            margin = 1
        self.width = min(text_width + 2 * margin, width)
        self.height = min(text_height + below + 2 * margin, height)
        self._cv2, self._canvas, self._text = cv2, canvas, text
        self._scale, self._stroke = scale, stroke
        self._margin, self._text_height = margin, text_height

    def paint(self, left: int, top: int, color: tuple[int, ...]) -> None:
        self._canvas[top : top + self.height, left : left + self.width] = color
        blue, green, red = color
        dark = 0.114 * blue + 0.587 * green + 0.299 * red > 140  # luma of the ground
        self._cv2.putText(
            self._canvas,
            self._text,
            (left + self._margin, top + self._margin + self._text_height),
            _FONT,
            self._scale,
            (0, 0, 0) if dark else (255, 255, 255),
            self._stroke,
            self._cv2.LINE_AA,
        )


_FONT = 0  # cv2.FONT_HERSHEY_SIMPLEX
