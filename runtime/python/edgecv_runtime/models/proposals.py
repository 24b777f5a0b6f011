"""Boxes from the caller in place of a proposal network's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import InputError

# Boxes of one image, or of several.
Proposals = npt.ArrayLike | Sequence[npt.ArrayLike]


def check_proposals(boxes: Any) -> npt.NDArray[np.float32]:
    """Boxes as the core takes them: float32 ``[N, 4]``; an empty list is ``[0, 4]``.

    Raises:
        InputError: another shape, or no numbers.
    """
    expected = "proposals: expected float32 [N, 4], xyxy in pixels of the image"
    try:
        array = np.asarray(boxes)
    except (TypeError, ValueError) as error:  # ragged lists
        raise InputError(f"{expected}, got rows of different lengths") from error
    if array.size == 0 and array.shape in ((0,), (0, 4)):
        return np.zeros((0, 4), np.float32)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{expected}, got an array of {array.dtype}")
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(f"{expected}, got {list(array.shape)}")
    with np.errstate(over="ignore"):  # the core refuses infinity
        return np.ascontiguousarray(array, np.float32)


def check_proposal_lists(proposals: Any, images: int) -> list[npt.NDArray[np.float32]]:
    """Boxes for each of several images.

    Raises:
        InputError: no list of that length, or an item that :func:`check_proposals` refuses.
    """
    if not isinstance(proposals, (list, tuple)) or len(proposals) != images:
        got = f"{len(proposals)} items" if isinstance(proposals, (list, tuple)) else "no list"
        raise InputError(
            f"proposals: expected a list with the boxes of each of {images} images, got {got}"
        )
    return [check_proposals(boxes) for boxes in proposals]
