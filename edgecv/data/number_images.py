"""PNG files whose pixels are numbers: of objects, or of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError
from edgecv_runtime.opencv import import_cv2

from .image_files import upright_size


def mask_of(image: Path, masks: Path) -> Path:
    """masks/name.png or masks/name_mask.png. Raises InputError if there is neither."""
    for name in (f"{image.stem}.png", f"{image.stem}_mask.png"):
        if (masks / name).is_file():
            return masks / name
    raise InputError(f"{masks}: no mask for {image.name}; expected {image.stem}.png")


def read_numbers(path: Path, meaning: str) -> NDArray[np.uint16]:
    """uint16 [H, W] of a file with one channel of 8 or 16 bits.

    Raises InputError for any other file; `meaning` says in its message what the numbers are.
    """
    cv2 = import_cv2()
    try:
        numbers = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        numbers = None
    if numbers is None:
        raise InputError(f"{path}: cannot be decoded; expected a PNG of numbers")
    if numbers.ndim != 2 or numbers.dtype not in (np.uint8, np.uint16):
        channels = numbers.shape[2] if numbers.ndim == 3 else 1
        raise InputError(
            f"{path}: {channels} channels of {numbers.dtype} (a palette counts as colours); "
            f"expected one channel of 8 or 16 bits with {meaning}"
        )
    return numbers.astype(np.uint16)


def require_same_size(path: Path, numbers: NDArray[np.uint16], image: Path) -> None:
    """Raises InputError unless the numbers cover the upright image."""
    height, width = upright_size(image)
    if numbers.shape != (height, width):
        raise InputError(
            f"{path}: {numbers.shape[1]} x {numbers.shape[0]} pixels, its image {image.name} has "
            f"{width} x {height}; a mask covers the upright image"
        )
