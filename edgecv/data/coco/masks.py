"""COCO's `segmentation`: polygons and run lengths, checked before pycocotools sees them.

pycocotools trusts its input: run lengths of another sum decode to uninitialised memory, and
far coordinates overflow its integers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reading.masks import RunLengths

_FAR = 4  # image sides that a polygon may leave the image by
_LONGEST = 7  # characters of one number: 35 bits


def from_coco(segmentation: Any, size: tuple[int, int]) -> RunLengths | None:
    """The mask of COCO's `segmentation`: polygons, or run lengths, compressed or not.

    A polygon of less than 3 points encloses nothing and is passed over.

    Returns:
        The mask, or None where nothing is left of it: no segmentation, or no pixel.

    Raises:
        ValueError: it is none of these, damaged, or for an image of another size.
    """
    from pycocotools import mask as coco_mask

    if segmentation is None or segmentation in ([], {}, ""):
        return None
    if isinstance(segmentation, list):
        code = _from_polygons(segmentation, size)
    elif isinstance(segmentation, dict) and {"size", "counts"} <= segmentation.keys():
        code = _from_run_lengths(segmentation, size)
    else:
        raise ValueError("expected polygons or run lengths with size and counts")
    return code if code is not None and coco_mask.area(code) else None


def _from_polygons(polygons: list[Any], size: tuple[int, int]) -> RunLengths | None:
    from pycocotools import mask as coco_mask

    if all(isinstance(value, (int, float)) for value in polygons):
        polygons = [polygons]  # one polygon without the list around it
    flat = []
    for polygon in polygons:
        if polygon and isinstance(polygon, list) and isinstance(polygon[0], list):
            raise ValueError("a polygon of pairs; expected one list x1, y1, x2, y2, ...")
        if not isinstance(polygon, list) or len(polygon) % 2:
            raise ValueError("a polygon needs pairs of numbers x, y")
        values = [float(value) for value in polygon]
        limits = [_FAR * size[1], _FAR * size[0]] * (len(values) // 2)
        for value, limit in zip(values, limits, strict=True):
            if not math.isfinite(value) or abs(value) > limit:
                raise ValueError(f"a polygon has the coordinate {value}, far from its image")
        if len(values) >= 6:
            flat.append(values)
    if not flat:
        return None
    code: RunLengths = coco_mask.merge(coco_mask.frPyObjects(flat, *size))
    return code


def _from_run_lengths(segmentation: dict[str, Any], size: tuple[int, int]) -> RunLengths:
    from pycocotools import mask as coco_mask

    height, width = size
    if list(segmentation["size"]) != [height, width]:
        raise ValueError(
            f"run lengths for {segmentation['size']}, the image is {[height, width]} (h, w)"
        )
    counts = segmentation["counts"]
    if isinstance(counts, str):
        code = counts.encode("ascii", "replace")
        _require_sum(run_lengths(code), size)
        return {"size": [height, width], "counts": code}
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise ValueError("run lengths need whole numbers, or pycocotools' string")
    _require_sum(np.array(counts, object), size)
    code_: RunLengths = coco_mask.frPyObjects(
        {"size": [height, width], "counts": counts}, height, width
    )
    return code_


def _require_sum(counts: NDArray[Any], size: tuple[int, int]) -> None:
    if len(counts) and counts.min() < 0:
        raise ValueError(f"damaged run lengths: one of them is {counts.min()}")
    total, pixels = int(counts.sum()), size[0] * size[1]
    if total != pixels:
        raise ValueError(f"damaged run lengths: they add up to {total} pixels of {pixels}")


def run_lengths(code: bytes) -> NDArray[np.int64]:
    """int64 [R], the lengths that pycocotools' string holds, zeros first; they may be negative.

    Each number is written in groups of 5 bits, the lowest first, one in each character from 48 on;
    bit 5 says that another group follows, bit 4 of the last one is the sign. From the fourth number
    on it is the difference to the last but one.

    Raises:
        ValueError: another character, or a number without an end.
    """
    groups = np.frombuffer(code, np.uint8).astype(np.int64) - 48
    if not len(groups):
        return groups
    if groups.min() < 0 or groups.max() > 63:
        raise ValueError("damaged run lengths: a character that they never hold")
    last = groups < 32
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
    if not last[-1] or (ends - starts >= _LONGEST).any():
        raise ValueError("damaged run lengths: a number without an end")
    position = np.arange(len(groups)) - np.repeat(starts, ends - starts + 1)
    numbers = np.add.reduceat((groups & 31) << (5 * position), starts)
    negative = (groups[ends] & 16) > 0
    numbers[negative] -= 1 << (5 * (ends - starts + 1)[negative])
    for first in (1, 2):
        numbers[first::2] = np.cumsum(numbers[first::2])
    return numbers
