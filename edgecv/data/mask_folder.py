"""Folders of photos and instance masks: images/* and masks/*.png of instance numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError
from edgecv_runtime.image_headers import read_header
from edgecv_runtime.opencv import import_cv2

from .masks import encode_masks
from .records import IMAGE_SUFFIXES, DetectionData, RecordCollector

UNNAMED = "object"  # the one class of a folder without classes.txt
VALIDATION_SHARE = 5  # one image in so many is for validation


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
        path = _mask_of(image, masks)
        instances = _read_instances(path)
        size = _upright_size(image)
        if instances.shape != size:
            raise InputError(
                f"{path}: {instances.shape[1]} x {instances.shape[0]} pixels, its image "
                f"{image.name} has {size[1]} x {size[0]}; a mask covers the upright image"
            )
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
        return _listed(images / split), masks / split
    if present:
        raise InputError(f"{images}: no folder {split}; there are {', '.join(present)}")
    if split not in ("train", "val"):
        raise InputError(f"{images}: no folder {split}; without folders there are train and val")
    chosen = [path for path in _listed(images) if _in_validation(path.stem) == (split == "val")]
    if not chosen:
        raise InputError(
            f"{images}: no image falls to {split}; sort them into images/train and images/val, "
            "masks/train and masks/val"
        )
    return chosen, masks


def _in_validation(stem: str) -> bool:
    return int(hashlib.sha256(stem.encode()).hexdigest(), 16) % VALIDATION_SHARE == 0


def _listed(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def _mask_of(image: Path, masks: Path) -> Path:
    for name in (f"{image.stem}.png", f"{image.stem}_mask.png"):
        if (masks / name).is_file():
            return masks / name
    raise InputError(f"{masks}: no mask for {image.name}; expected {image.stem}.png")


def _read_instances(path: Path) -> NDArray[np.uint16]:
    cv2 = import_cv2()
    try:
        instances = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        instances = None
    if instances is None:
        raise InputError(f"{path}: cannot be decoded; expected a PNG of instance numbers")
    if instances.ndim != 2:
        raise InputError(
            f"{path}: {instances.shape[2]} channels (a palette counts as colours); expected one "
            "channel with 0 for the background and 1, 2, ... for the objects"
        )
    return instances.astype(np.uint16)


def _upright_size(image: Path) -> tuple[int, int]:
    header = read_header(image.read_bytes())
    if header.size is None:
        raise InputError(f"{image}: broken image: its header gives no size")
    height, width = header.size
    return (width, height) if header.orientation >= 5 else (height, width)


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
