"""Folders of photos and instance masks: images/* and masks/*.png of instance numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError

from .image_files import divide, list_images
from .masks import encode_masks
from .number_images import mask_of, read_numbers, require_same_size
from .records import DetectionData, RecordCollector

UNNAMED = "object"  # the one class of a folder without classes.txt


def recognises(folder: Path) -> bool:
    images, masks = folder / "images", folder / "masks"
    return images.is_dir() and masks.is_dir() and not (folder / "labels").is_dir()


def read(folder: Path, split: str) -> DetectionData:
    """Reads images/<split> with masks/<split>, or a share of images/ with masks/.

    The mask of images/name.jpg is masks/name.png or masks/name_mask.png: one channel of 8 or 16
    bits, 0 for the background and another value for each object. A box is the extent of its
    object's pixels. The one class is named in classes.txt, else `object`.

    Without split folders an image is in `val` if the SHA-256 of its name without suffix is
    divisible by five, else in `train`: it stays there when others are added or taken away.

    Raises:
        InputError: a file is missing or broken; the message names it.
    """
    images, masks = _split(folder, split)
    collector = RecordCollector()
    for image in images:
        path = mask_of(image, masks)
        instances = read_numbers(path, "0 for the background and 1, 2, ... for the objects")
        require_same_size(path, instances, image)
        identities = np.unique(instances)
        identities = identities[identities != 0]
        each = instances == identities[:, None, None]  # [N, H, W]
        collector.add(
            image,
            path,
            [_extent(mask) for mask in each],
            [0] * len(each),
            [False] * len(each),
            encode_masks(each.astype(np.uint8)) if len(each) else [],
        )
    return collector.finish([_class_name(folder)], folder)


def _split(folder: Path, split: str) -> tuple[list[Path], Path]:
    """The images of the split and the folder of their masks."""
    images, masks = folder / "images", folder / "masks"
    present = sorted(place.name for place in images.iterdir() if place.is_dir())
    if split in present:
        return list_images(images / split), masks / split
    if present:
        raise InputError(f"{images}: no folder {split}; there are {', '.join(present)}")
    return divide(list_images(images), split, images), masks


def _extent(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _class_name(folder: Path) -> str:
    path = folder / "classes.txt"
    if not path.is_file():
        return UNNAMED
    names = path.read_text().split("\n")
    names = [name.strip() for name in names if name.strip()]
    if len(names) != 1:
        raise InputError(f"{path}: {len(names)} names; masks hold no classes, expected one name")
    return names[0]
