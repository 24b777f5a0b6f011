"""Image files in folders: their names, their sizes, and how they are divided without a split."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgecv_runtime import InputError
from edgecv_runtime.image_headers import read_header

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VALIDATION_SHARE = 5  # one image in so many is for validation
# Other names that a split may have.
SPLIT_ALIASES = {"val": ("val", "valid", "validation")}


def list_images(place: Path) -> list[Path]:
    """The image files right in a folder, sorted."""
    return sorted(path for path in place.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def divide(images: list[Path], split: str, root: Path) -> list[Path]:
    """The share of `train` or `val` in images that nobody divided.

    An image is in `val` if the SHA-256 of its name without suffix is divisible by five, else in
    `train`: it stays there when others are added or taken away. The name is the path below `root`.

    Raises:
        InputError: another split, or no image falls to it.
    """
    if split not in ("train", "val"):
        raise InputError(f"{root}: no folder {split}; without folders there are train and val")
    chosen = [path for path in images if _in_validation(path, root) == (split == "val")]
    if not chosen:
        raise InputError(f"{root}: no image falls to {split}; sort them into folders train and val")
    return chosen


def _in_validation(image: Path, root: Path) -> bool:
    name = image.relative_to(root).with_suffix("").as_posix()
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % VALIDATION_SHARE == 0


def upright_size(image: Path) -> tuple[int, int]:
    """(H, W) in pixels as the image is shown. Raises InputError if its header gives no size."""
    header = read_header(image.read_bytes())
    if header.size is None:
        raise InputError(f"{image}: broken image: its header gives no size")
    height, width = header.size
    return (width, height) if header.orientation >= 5 else (height, width)
