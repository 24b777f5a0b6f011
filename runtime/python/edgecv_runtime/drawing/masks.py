"""Masks on images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.drawing.palette import PALETTE
from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.results.masks import Masks

_OPACITY = 0.45  # of the colour over the image


def draw_masks(
    canvas: NDArray[np.uint8],
    masks: Masks,
    colors: Sequence[int] | NDArray[np.int64],
    line_width: int | None = None,
) -> None:
    """Tints each mask and draws its outline, in place.

    Args:
        canvas: uint8 [H, W, 3], BGR, contiguous.
        masks: sorted by falling score; the best are drawn last, on top.
        colors: for each mask an index of `palette.PALETTE`, beyond its end from its start again.
        line_width: of the outlines, in pixels; None: by the image.
    """
    cv2 = import_cv2()
    line = line_width or max(1, round(min(canvas.shape[:2]) / 400))
    for crop, color_index in reversed(list(zip(masks.crops, colors, strict=True))):
        if crop.width == 0 or crop.height == 0:
            continue
        color = PALETTE[color_index % len(PALETTE)]
        region = canvas[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]
        tint = np.empty(region.shape, np.uint8)
        tint.reshape(crop.height, -1)[:] = np.tile(np.array(color, np.uint8), crop.width)
        tinted = cv2.addWeighted(region, 1 - _OPACITY, tint, _OPACITY, 0)
        outline, _ = cv2.findContours(crop.pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(tinted, outline, -1, color, 2 * line - 1)  # its outer half is cut off
        cv2.copyTo(tinted, crop.pixels, region)
