"""Instance masks as COCO's run-length codes: small in memory, exact, and what the metric reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray


class RunLengths(TypedDict):
    """One mask over a whole image: `size` is [height, width], `counts` pycocotools' string."""

    size: list[int]
    counts: bytes


def encode_masks(masks: NDArray[np.uint8]) -> list[RunLengths]:
    """`masks`: uint8 [N, H, W] of 0 and 1."""
    from pycocotools import mask as coco_mask

    # [N, H, W] -> [H, W, N], columns first in memory as pycocotools walks it
    return list(coco_mask.encode(np.asfortranarray(masks.transpose(1, 2, 0))))


def decode_masks(codes: Sequence[RunLengths], size: tuple[int, int]) -> NDArray[np.uint8]:
    """uint8 [N, H, W] of 0 and 1; `size` is (H, W), also of no mask at all."""
    from pycocotools import mask as coco_mask

    if not codes:
        return np.zeros((0, *size), np.uint8)
    decoded = coco_mask.decode(list(codes))  # [H, W, N]
    return np.ascontiguousarray(decoded.transpose(2, 0, 1))


def box_mask(box: NDArray[np.float32], size: tuple[int, int]) -> RunLengths:
    """All pixels of a box, xyxy in pixels of an image of `size` (H, W)."""
    from pycocotools import mask as coco_mask

    x1, y1, x2, y2 = (float(value) for value in box)
    code: RunLengths = coco_mask.frPyObjects([[x1, y1, x2, y1, x2, y2, x1, y2]], *size)[0]
    return code


def extent(code: RunLengths) -> tuple[float, float, float, float]:
    """xyxy in pixels: the smallest box around the mask; all 0 for an empty one."""
    from pycocotools import mask as coco_mask

    x, y, width, height = (float(value) for value in coco_mask.toBbox(code))
    return x, y, x + width, y + height
