"""The check of images from callers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.images.limits import MAX_BYTES, MAX_SIDE
from edgecv_runtime.images.other_libraries import advice_for


def check_image(image: Any) -> NDArray[np.uint8]:
    """Checks an image from a caller.

    Args:
        image: uint8 [H, W, 3], [H, W, 4], [H, W] or [H, W, 1] with sides of 1 to 65535 pixels.

    Returns:
        The same pixels with every row dense in memory, [H, W, 3], [H, W, 4] or [H, W]. Rows may lie
        any distance apart (a crop is taken as it is); other layouts are copied.

    Raises:
        InputError: it is not such an array; the message says what it is and how to make one.
    """
    expected = "an image is a uint8 NumPy array [H, W, 3], a Pillow image or a path"
    if not isinstance(image, np.ndarray):
        kind = type(image)
        name = (
            kind.__qualname__
            if kind.__module__ == "builtins"
            else f"{kind.__module__}.{kind.__qualname__}"
        )
        raise InputError(f"{expected}, got {name}: {advice_for(image)}")
    _check_shape(image, expected)
    if image.dtype != np.uint8:
        hint = (
            "scale it to 0..255 and convert it with .astype(numpy.uint8)"
            if image.dtype.kind == "f"
            else "convert it to 8 bit"
        )
        raise InputError(f"{expected}, got dtype {image.dtype}: {hint}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    return image if _rows_are_dense(image) else np.ascontiguousarray(image)


def _check_shape(image: NDArray[Any], expected: str) -> None:
    shape = list(image.shape)
    if image.ndim not in (2, 3):
        hint = ": give the images of a batch as a list" if image.ndim == 4 else ""
        raise InputError(f"{expected}, got shape {shape}{hint}")
    if image.ndim == 3 and shape[2] not in (1, 3, 4):
        if shape[0] in (1, 3, 4):
            raise InputError(
                f"{expected}, got [C, H, W] = {shape}: move the channels to the end with "
                "image.transpose(1, 2, 0)"
            )
        raise InputError(f"{expected}, got shape {shape}: an image has 1, 3 or 4 channels")
    if 0 in shape:
        raise InputError(f"{expected}, got the empty shape {shape}")
    if image.size > MAX_BYTES:
        raise InputError(f"{expected} of at most {MAX_BYTES} bytes, got shape {shape}")
    if max(shape[:2]) > MAX_SIDE:
        raise InputError(f"{expected} with sides of at most {MAX_SIDE}, got shape {shape}")


def _rows_are_dense(image: NDArray[np.uint8]) -> bool:
    row = image[0]
    apart = image.shape[0] == 1 or image.strides[0] >= row.nbytes
    return bool(row.flags.c_contiguous and apart)
