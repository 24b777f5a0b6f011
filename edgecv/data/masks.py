"""Instance masks as COCO's run-length codes: small in memory, exact, and what the metric reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

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


def from_coco(segmentation: Any, size: tuple[int, int]) -> RunLengths:
    """The mask of COCO's `segmentation`: polygons, or run lengths, compressed or not.

    Raises:
        ValueError: it is none of these, or for an image of another size.
    """
    from pycocotools import mask as coco_mask

    height, width = size
    if isinstance(segmentation, list):
        if not segmentation or not all(
            isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
            for polygon in segmentation
        ):
            raise ValueError("a polygon needs at least 3 points x, y")
        parts = coco_mask.frPyObjects(
            [[float(value) for value in polygon] for polygon in segmentation], height, width
        )
        return coco_mask.merge(parts)
    if not isinstance(segmentation, dict) or not {"size", "counts"} <= segmentation.keys():
        raise ValueError("expected polygons or run lengths with size and counts")
    if list(segmentation["size"]) != [height, width]:
        raise ValueError(
            f"run lengths for {segmentation['size']}, the image is {[height, width]} (h, w)"
        )
    counts = segmentation["counts"]
    if isinstance(counts, str):
        return {"size": [height, width], "counts": counts.encode("ascii")}
    if sum(counts) != height * width:
        raise ValueError(f"run lengths add up to {sum(counts)} pixels of {height * width}")
    return coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
