"""Folders of classes: <split>/NAME/*.jpg, where NAME is what the images show."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from edgecv_runtime import InputError
from edgecv_runtime.one_line import one_line

from .reading.image_files import (
    contents,
    folders_in,
    images_below,
    is_image,
    unread_beside,
    upright_size,
)
from .reading.split_report import NAMED, Report, counted, shortened
from .reading.splits import divide, is_split, mentions_split, named_split


@dataclass(frozen=True, eq=False)
class ClassificationData:
    """One split: image i shows `labels[classes[i]]`."""

    labels: list[str]
    images: list[Path]
    classes: list[int]
    report: Report = field(default_factory=Report)


def read_classes(folder: str | Path, split: str) -> ClassificationData:
    """Reads <split>/NAME/**, or a share of NAME/** where nothing is divided (splits.divide).

    Labels are the names of the folders, in UTF-8, sorted. Broken images are left out, and the
    report names them.

    Raises:
        InputError: no such folder or split, or no images in it; a class's name is not UTF-8.
    """
    folder = Path(folder)
    with one_line(folder, "expected a folder with a folder for each class"):
        return _read(folder, split)


def _read(folder: Path, split: str) -> ClassificationData:
    if not folder.is_dir():
        what = "a file" if folder.is_file() else "no such folder"
        raise InputError(f"{folder}: {what}; expected a folder with a folder for each class")
    places = folders_in(folder)
    with_folders = [place.name for place in places if folders_in(place)]
    divided = [name for name in with_folders if is_split(name)]
    own = named_split([place.name for place in places] if divided else with_folders, split)
    root = folder if own is None else folder / own
    if own is None and divided:
        raise InputError(
            f"{folder}: no folder {split}; there are {', '.join(divided)}: name them with `split`"
        )
    is_divided = own is not None
    if not is_divided:
        _require_no_splits(folder, with_folders)
    _require_no_folder_between(root)
    places = sorted(folders_in(root), key=lambda place: os.fsencode(place.name))
    listed = {place.name: images_below(place) for place in places}
    _require_classes(root, set(listed), is_divided)
    images = [image for own in listed.values() for image in own]
    empty = [name for name, own in listed.items() if not own]
    if images and empty and not is_divided:
        # Where nothing is divided, a folder of anything looks like one of classes.
        raise InputError(
            f"{root}: no images in {', '.join(empty)}; expected a folder for each class with "
            "images in it, and no others"
        )
    if not images:
        raise InputError(
            f"{root}: no images; expected a folder for each class with images in it, such as "
            f"{folder.name}/train/cat/1.jpg; there are {contents(root)}"
        )
    if not is_divided:
        images = divide(images, split, root)
    return _checked(images, list(listed), split, root)


def _require_no_splits(folder: Path, with_folders: list[str]) -> None:
    """Raises InputError for folders such as training_set/cat: as classes they would be learnt."""
    splits = [name for name in with_folders if mentions_split(name)]
    if splits:
        raise InputError(
            f"{folder}: {', '.join(splits)} would be classes, and look like splits; name them, "
            f"such as `train_split={splits[-1]!r}` and `val_split={splits[0]!r}`, or rename them "
            "to train and val"
        )


def _require_no_folder_between(root: Path) -> None:
    """Raises InputError where all classes lie in one folder more, which would be the only class."""
    places = folders_in(root)
    if len(places) == 1 and folders_in(places[0]) and not any(map(is_image, places[0].iterdir())):
        inner = ", ".join(place.name for place in folders_in(places[0])[:4])
        raise InputError(
            f"{root}: holds one folder, {places[0].name}, with {inner} in it; expected a folder "
            f"for each class: give {places[0]}, or move its content up"
        )


def _require_classes(root: Path, names: set[str], divided: bool) -> None:
    """Raises InputError for folders whose names show that they are not classes."""
    if not divided and (splits := sorted(name for name in names if is_split(name))):
        raise InputError(
            f"{root / splits[0]}: no folders in it; expected one for each class, such as "
            f"{splits[0]}/cat/1.jpg"
        )
    if "images" in names and names & {"masks", "labels"}:
        raise InputError(
            f"{root}: images beside {', '.join(sorted(names - {'images'}))}, a data set for "
            "detectors or segmentation; a classifier expects a folder for each class"
        )


def _checked(images: list[Path], labels: list[str], split: str, root: Path) -> ClassificationData:
    broken, kept = [], []
    for image in images:
        try:
            upright_size(image)
            kept.append(image)
        except InputError as error:
            broken.append(str(error))
    if not kept:
        raise InputError(
            f"{root}: all {len(broken)} images are broken: {shortened(broken, NAMED, '; ')}"
        )
    names = [image.relative_to(root).parts[0] for image in kept]
    counts = Counter(names)
    number = {label: index for index, label in enumerate(labels)}
    report = Report(
        split=split,
        images=len(kept),
        counts={_text(root, label): counts[label] for label in labels},
        unit="images",
        broken=broken,
        notes=[*_notes(root), *unread_beside(images)],
        searched=f"{root}/*",
    )
    return ClassificationData(
        [_text(root, label) for label in labels], kept, [number[name] for name in names], report
    )


def _text(root: Path, name: str) -> str:
    """A folder's name as text, whatever the locale."""
    try:
        return os.fsencode(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{root / name}: the name of a class is not UTF-8; rename the folder"
        ) from error


def _notes(root: Path) -> list[str]:
    """Files in the folder of the classes itself belong to no class."""
    loose = sorted(path.name for path in root.iterdir() if is_image(path))
    if not loose:
        return []
    return [
        f"{counted(len(loose), 'image')} in no class folder left out: {shortened(loose, NAMED)}"
    ]
