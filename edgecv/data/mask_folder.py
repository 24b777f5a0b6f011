"""Folders of images and instance masks: images/* and masks/*.png of instance numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError
from edgecv_runtime.opencv import import_cv2

from .reading.image_files import (
    folders_in,
    list_images,
    require_distinct_names,
    unread_beside,
)
from .reading.label_images import is_palette, mask_of, read_numbers, require_same_size
from .reading.masks import encode_masks
from .reading.names_file import read_names
from .reading.records import DetectionData, Labelled, RecordCollector
from .reading.splits import divide, named_split

UNNAMED = "object"  # the one class of a folder without classes.txt
MAX_OBJECTS = 10_000  # of one mask: each takes a pass over it
BORDER = 255  # around Pascal VOC's objects
_IN_PARTS = 0.25  # share of masks in parts from which one number does not mean one object


def recognises(folder: Path) -> bool:
    images, masks = folder / "images", folder / "masks"
    return images.is_dir() and masks.is_dir() and not (folder / "labels").is_dir()


def read(folder: Path, split: str) -> DetectionData:
    """Reads images/<split> with masks/<split>, or a share of images/ with masks/
    (splits.divide).

    The mask of images/name.jpg is masks/name.png or masks/name_mask.png: one channel of 8 or 16
    bits, or a palette (of which 255 is Pascal VOC's border); 0 for the background and another
    number for each object. A box is the extent of its object's pixels. The one class is named in
    classes.txt, else `object`.

    Raises:
        InputError: a file is missing or broken, or the masks have one number for all objects; the
            message names it.
    """
    images, masks = _split(folder, split)
    require_distinct_names(images)
    collector = RecordCollector(split)
    collector.notes += unread_beside(images)
    numbers: set[int] = set()
    in_parts: list[Path] = []
    several: list[str] = []  # for each object in several parts
    filled = objects = 0
    for image in images:
        path = mask_of(image, masks)
        if (size := collector.size_of(image)) is None:
            continue
        instances = read_numbers(path, "0 for the background and 1, 2, ... for the objects")
        require_same_size(path, instances, image, size)
        identities = np.unique(instances)
        identities = identities[identities != 0]
        if len(identities) > 1 and identities[-1] == BORDER and is_palette(path):
            identities = identities[:-1]
            collector.note(
                "masks whose number 255, Pascal VOC's border, is not an object", path.name
            )
        if len(identities) > MAX_OBJECTS:
            raise InputError(
                f"{path}: holds {len(identities)} numbers, expected those of at most "
                f"{MAX_OBJECTS} objects: is it an image of depths?"
            )
        found, apart = [], 0
        for identity in identities:  # one by one: all together are N times as large as the image
            mask = instances == identity
            apart += _parts(mask) > 1
            (code,) = encode_masks(mask[None].astype(np.uint8))
            found.append(Labelled(_extent(mask), 0, False, code))
        if found:
            filled += 1
            numbers |= set(identities.tolist())
            objects += len(found)
            several += [path.name] * apart
            if len(found) == 1 and apart:
                in_parts.append(path)
        collector.add(image, path, size, found, masks=True)
    if len(numbers) == 1 and in_parts:
        _one_number(numbers.pop(), in_parts, filled, collector)
    elif 2 * len(several) > objects:
        collector.notes.append(
            f"{len(several)} of {objects} objects are in several parts ({several[0]}): each number "
            "of a mask is one object; if they are classes, train a segmentation network"
        )
    return collector.finish([_class_name(folder)], folder, f"{masks}/*.png")


def _one_number(number: int, in_parts: list[Path], masks: int, collector: RecordCollector) -> None:
    """Masks of one number say where objects are, not which pixels are one object."""
    what = (
        f"every mask has one number, {number}, and {len(in_parts)} of {masks} masks are in several "
        "parts"
    )
    if len(in_parts) > _IN_PARTS * masks:
        raise InputError(
            f"{in_parts[0]}: {what}: all objects of an image would be one; give each object a "
            "number of its own, 1, 2, 3, ..., or train a segmentation network"
        )
    collector.notes.append(f"{what}, each taken for one object, such as {in_parts[0].name}")


def _parts(mask: NDArray[np.bool_]) -> int:
    """How many parts do not touch, those aside that are smaller than a tenth of the largest."""
    cv2 = import_cv2()
    x1, y1, x2, y2 = map(int, _extent(mask))
    own = mask[y1:y2, x1:x2].astype(np.uint8)
    _, _, found, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
    areas = found[1:, cv2.CC_STAT_AREA]  # the first is the background
    return int((areas * 10 >= areas.max()).sum())


def _split(folder: Path, split: str) -> tuple[list[Path], Path]:
    """The images of the split and the folder of their masks."""
    images, masks = folder / "images", folder / "masks"
    present = [place.name for place in folders_in(images)]
    if (name := named_split(present, split)) is not None:
        return list_images(images / name), masks / name
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
    names = read_names(path)
    if len(names) != 1:
        raise InputError(f"{path}: {len(names)} names; masks hold no classes, expected one name")
    return names[0]
