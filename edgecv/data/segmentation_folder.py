"""Folders of photos and label images, whose pixels are class numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError

from .image_files import SPLIT_ALIASES, divide, list_images
from .names_file import read_names
from .number_images import mask_of, read_numbers, require_same_size

IGNORE = 255  # no class, in every data set with labels of 8 bits
_MEANING = "class numbers"


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """A photo and its label image.

    pixels: int64 [K], how many pixels have each number; K is one more than the largest one.
    """

    image: Path
    mask: Path
    size: tuple[int, int]  # (H, W) in pixels
    pixels: NDArray[np.int64] = field(repr=False)

    def labels(self) -> NDArray[np.uint16]:
        """uint16 [H, W], the numbers as the file has them."""
        return read_numbers(self.mask, _MEANING)


@dataclass(frozen=True, eq=False)
class SegmentationData:
    """One split. `labels` names the classes 0, 1, ...; `ignore` are numbers that are no class."""

    labels: list[str]
    named: bool  # whether the data set says the names, or they are only numbered
    ignore: tuple[int, ...]
    images: list[LabelledImage]

    def pixels(self) -> NDArray[np.int64]:
        """int64 [C], how many pixels show each class."""
        total = np.zeros(len(self.labels), np.int64)
        for entry in self.images:
            counted = entry.pixels[: len(total)].copy()
            counted[[number for number in self.ignore if number < len(counted)]] = 0
            total[: len(counted)] += counted
        return total


def read_segmentation(
    folder: str | Path,
    split: str,
    ignore: Sequence[int] = (),
    labels: Sequence[str] | None = None,
) -> SegmentationData:
    """Reads one split of a folder, every label image once.

    <split>/images/* with <split>/masks/*, or images/<split>/* with masks/<split>/*, or a share of
    images/* with masks/* (image_files.divide). The labels of images/name.jpg are masks/name.png or
    masks/name_mask.png: one channel of 8 or 16 bits, of the size of the upright image.

    Args:
        ignore: numbers that are no class, such as that of `void`; 255 is always one, unless there
            are more than 255 classes.
        labels: names of the classes, in the order of their numbers. Left out: those in classes.txt
            (one on each line), else the classes are numbered up to the largest number that occurs.

    Raises:
        InputError: a file is missing or broken, of another size than its image, or holds a number
            that is no class; the message names it.
    """
    folder = Path(folder)
    images, masks = _split(folder, split)
    if not images:
        raise InputError(f"{folder}: no images in the split {split}")
    listed = folder / "classes.txt"
    names = list(labels) if labels is not None else None
    if names is None and listed.is_file():
        names = read_names(listed)
    count = len(names) if names is not None else 0
    ignored = tuple(sorted({*ignore, *(() if count > IGNORE else (IGNORE,))}))
    entries = [_read(image, masks) for image in images]
    if names is None:
        used = [n for entry in entries for n in np.flatnonzero(entry.pixels) if n not in ignored]
        if not used:
            raise InputError(f"{folder}: no label image of the split {split} shows a class")
        return SegmentationData(numbered(int(max(used)) + 1), False, ignored, entries)
    data = SegmentationData(names, True, ignored, entries)
    require_classes(data, len(names))
    return data


def numbered(count: int) -> list[str]:
    return [f"class_{number}" for number in range(count)]


def require_classes(data: SegmentationData, classes: int) -> None:
    """Raises InputError if a label image holds a number from `classes` on that is not ignored."""
    for entry in data.images:
        numbers = np.flatnonzero(entry.pixels)
        outside = [int(n) for n in numbers if n >= classes and n not in data.ignore]
        if outside:
            raise InputError(
                f"{entry.mask}: holds class {outside[0]}; the classes are 0 to {classes - 1} "
                f"({', '.join(map(str, data.ignore))} counts as none): correct the file, or add "
                f"--ignore-index {outside[0]} if it is no class"
            )


def _read(image: Path, masks: Path) -> LabelledImage:
    mask = mask_of(image, masks)
    numbers = read_numbers(mask, _MEANING)
    require_same_size(mask, numbers, image)
    height, width = numbers.shape
    return LabelledImage(image, mask, (height, width), np.bincount(numbers.ravel()))


def _split(folder: Path, split: str) -> tuple[list[Path], Path]:
    """The images of the split and the folder of their label images."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with images/ and masks/")
    for name in SPLIT_ALIASES.get(split, (split,)):
        for images, masks in (
            (folder / name / "images", folder / name / "masks"),
            (folder / "images" / name, folder / "masks" / name),
        ):
            if images.is_dir():
                return list_images(images), masks
    splits = [place.name for place in folder.iterdir() if (place / "images").is_dir()]
    if (folder / "images").is_dir():
        splits += [place.name for place in (folder / "images").iterdir() if place.is_dir()]
    if splits:
        raise InputError(f"{folder}: no split {split}; there are {', '.join(sorted(splits))}")
    images = folder / "images"
    if not images.is_dir():
        raise InputError(
            f"{folder}: no known data set; expected {split}/images/ with {split}/masks/, or "
            "images/ with masks/"
        )
    return divide(list_images(images), split, images), folder / "masks"
