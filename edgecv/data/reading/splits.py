"""Splits of a data set: the names that tools give them, and the division of images without any."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from edgecv_runtime import InputError

from .image_files import contents

VALIDATION_SHARE = 5  # one image in so many is for validation
_ALIASES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SPLIT_NAMES = tuple(name for names in _ALIASES.values() for name in names)
_WORD = re.compile(rf"(?<![a-z])({'|'.join(SPLIT_NAMES)})(?![a-z])", re.IGNORECASE)


def aliases(split: str) -> tuple[str, ...]:
    """The names that a split may have, its own first: `val` may be `valid` or `validation`."""
    return _ALIASES.get(split, (split,))


def named_split(names: Iterable[str], split: str) -> str | None:
    """The one of `names` that means the split: its own name or an alias, in any case (CVAT writes
    `Train`); None if there is none.

    Example:
        >>> named_split(["Train", "Valid"], "val")
        'Valid'
    """
    names = list(names)
    for wanted in aliases(split):
        same = [name for name in names if name.lower() == wanted.lower()]
        if same:
            return wanted if wanted in same else same[0]
    return None


def is_split(name: str) -> bool:
    """Whether a name is that of a usual split, in any case."""
    return name.lower() in SPLIT_NAMES


def mentions_split(text: str) -> bool:
    """Whether the name of a usual split stands in a text as a word of its own: `train_set`."""
    return _WORD.search(text) is not None


def divide(images: list[Path], split: str, root: Path) -> list[Path]:
    """The share of `train` or `val` of images without folders for splits.

    An image is in `val` if the SHA-256 of its name without suffix is divisible by five, else in
    `train`. It stays there when other images are added or removed. The name is the path below
    `root`.

    Raises:
        InputError: another split, or a share without an image.
    """
    if split not in ("train", "val"):
        raise InputError(f"{root}: no folder {split}; without folders there are train and val")
    if not images:
        raise InputError(f"{root}: no images; there are {contents(root)}")
    chosen = [path for path in images if _in_validation(path, root) == (split == "val")]
    if not chosen:
        raise InputError(f"{root}: no image falls to {split}; sort them into folders train and val")
    return chosen


def _in_validation(image: Path, root: Path) -> bool:
    name = image.relative_to(root).with_suffix("").as_posix()
    return int(hashlib.sha256(os.fsencode(name)).hexdigest(), 16) % VALIDATION_SHARE == 0
