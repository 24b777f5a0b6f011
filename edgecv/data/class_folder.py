"""Folders of classes: <split>/NAME/*.jpg, where NAME is what the images show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgecv_runtime import InputError

from .image_files import SPLIT_ALIASES, divide, list_images

_SPLITS = ("train", "val", "valid", "validation", "test")


@dataclass(frozen=True, eq=False)
class ClassificationData:
    """One split: image i shows `labels[classes[i]]`."""

    labels: list[str]
    images: list[Path]
    classes: list[int]


def read_classes(folder: str | Path, split: str) -> ClassificationData:
    """Reads <split>/NAME/*, or a share of NAME/* where nothing is divided (image_files.divide).

    Labels are the names of the folders, sorted.

    Raises:
        InputError: no such folder or split, or no images in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with a folder for each class")
    places = _folders(folder)
    divided = [place for place in places if place.name in _SPLITS and _folders(place)]
    root = folder
    if divided:
        wanted = SPLIT_ALIASES.get(split, (split,))
        found = [place for place in places if place.name in wanted]
        if not found:
            there = ", ".join(place.name for place in divided)
            raise InputError(f"{folder}: no folder {split}; there are {there}")
        root = found[0]
    labels = [place.name for place in _folders(root)]
    images = [image for place in _folders(root) for image in list_images(place)]
    empty = [place.name for place in _folders(root) if not list_images(place)]
    if images and empty and not divided:
        # Where nothing is divided, a folder of anything looks like one of classes.
        raise InputError(
            f"{root}: no images in {', '.join(empty)}; expected a folder for each class with "
            "images in it, and no others"
        )
    if not images:
        raise InputError(
            f"{root}: no images; expected a folder for each class with images in it, such as "
            f"{folder.name}/train/cat/1.jpg"
        )
    if not divided:
        images = divide(images, split, root)
    number = {label: index for index, label in enumerate(labels)}
    return ClassificationData(labels, images, [number[image.parent.name] for image in images])


def _folders(place: Path) -> list[Path]:
    return sorted(p for p in place.iterdir() if p.is_dir() and not p.name.startswith("."))
