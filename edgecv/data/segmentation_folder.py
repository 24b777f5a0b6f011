"""Folders of images and label images, whose pixels are class numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError
from edgecv_runtime.one_line import one_line

from .reading.image_files import (
    contents,
    folders_in,
    list_images,
    require_distinct_names,
    unread_beside,
    upright_size,
)
from .reading.label_images import mask_of, read_numbers, require_same_size
from .reading.names_file import read_names, require_distinct
from .reading.split_report import NAMED, Report, shortened
from .reading.splits import divide, named_split
from .reading.text import read_lines

IGNORE = 255  # no class, in every data set with labels of 8 bits
WHITE = (255, 128, 127)  # the one class in masks that are made for viewing
_VOC_MASKS = "SegmentationClass"
_MASKS = ("masks", "annotations", "labels", _VOC_MASKS)  # annotations: ADE20K's
_MEANING = "class numbers"
_FEW = 4  # one in so many numbers has to occur if the classes have no names


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image and its label image.

    pixels: int64 [K], how many pixels have each number; K is one more than the largest one.
    white: the number in the file that stands for class 1.
    """

    image: Path
    mask: Path
    size: tuple[int, int]  # (H, W) in pixels
    pixels: NDArray[np.int64] = field(repr=False)
    white: int = 1

    def labels(self) -> NDArray[np.uint16]:
        """uint16 [H, W], the numbers of the classes."""
        numbers = read_numbers(self.mask, _MEANING)
        if self.white != 1:
            numbers[numbers == self.white] = 1
        return numbers

    def with_white(self, white: int) -> LabelledImage:
        """The same, with the number `white` read as class 1."""
        pixels = np.array([self.pixels[0], self.pixels[1:].sum()])
        return replace(self, pixels=pixels, white=white)


@dataclass(frozen=True, eq=False)
class SegmentationData:
    """One split. `labels` names the classes 0, 1, ...; numbers in `ignore` stand for no class."""

    labels: list[str]
    named: bool  # whether the data set says the names, or they are only numbered
    ignore: tuple[int, ...]
    images: list[LabelledImage]
    report: Report = field(default_factory=Report)

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
    unnamed: Sequence[str] | None = None,
) -> SegmentationData:
    """Reads one split of a folder, every label image once.

    <split>/images/* with <split>/masks/*, or images/<split>/* with masks/<split>/*, or a share of
    images/* with masks/* (splits.divide); annotations/ or labels/ in place of masks/, if there
    are PNG files in it; or Pascal VOC's JPEGImages/, SegmentationClass/ and
    ImageSets/Segmentation/<split>.txt. The labels of images/name.jpg are masks/name.png or
    masks/name_mask.png: one channel of 8 or 16 bits or a palette, of the size of the upright image.
    Broken images are left out, and the report names them.

    Args:
        ignore: numbers that stand for no class, such as that of `void`; 255 is always one, unless
            there are more than 255 classes. Where two classes are named and no mask of the folder
            holds anything but 0 and 255, 255 is class 1, and the report says so (127 and 128
            likewise).
        labels: names of the classes, in the order of their numbers. Left out: those in classes.txt
            (one on each line), else `unnamed`, else the classes are numbered up to the largest
            number that occurs.
        unnamed: names for a folder without classes.txt.

    Raises:
        InputError: a file is missing or broken, of another size than its image, or holds a number
            that stands for no class; the message names it. Or the label images hold one class only,
            or numbers that are far apart, and nothing names the classes.
    """
    folder = Path(folder)
    with one_line(folder, "expected a folder with images/ and masks/"):
        return _read(folder, split, ignore, labels, unnamed)


def _read(
    folder: Path,
    split: str,
    ignore: Sequence[int],
    labels: Sequence[str] | None,
    unnamed: Sequence[str] | None,
) -> SegmentationData:
    images, masks = _split(folder, split)
    if not images:
        raise InputError(f"{folder}: no images in the split {split}; there are {contents(folder)}")
    require_distinct_names(images)
    names = _names(folder, labels, unnamed)
    entries, broken = _read_all(folder, images, masks)
    values = sorted({int(n) for entry in entries for n in np.flatnonzero(entry.pixels)})
    notes = unread_beside(images)
    white = _white(folder, values, names, ignore)
    if white is not None and names is not None:
        entries = [entry.with_white(white) for entry in entries]
        notes.append(
            f"the label images hold {_listed(values)} only: {white} is read as class 1 ({names[1]})"
        )
        values = [min(value, 1) for value in values]
    count = len(names) if names is not None else 0
    ignored = tuple(sorted({*ignore, *(() if count > IGNORE else (IGNORE,))}))
    used = [value for value in values if value not in ignored]
    if not used:
        raise InputError(
            f"{folder}: no label image of the split {split} shows a class: they hold "
            f"{_listed(values)}, and {_listed(ignored)} {_counts(ignored)} as none"
            f"{_advice(values)}"
        )
    if names is None:
        _require_plausible(folder, split, values, used, ignored)
    data = SegmentationData(names or numbered(max(used) + 1), names is not None, ignored, entries)
    require_classes(data, len(data.labels))
    without_class = sum(int(e.pixels.sum()) for e in entries) - int(data.pixels().sum())
    if without_class:
        share = 100 * without_class / sum(int(entry.pixels.sum()) for entry in entries)
        numbers = [value for value in values if value in ignored]
        notes.append(f"{share:.1f} % of the pixels are of no class ({_listed(numbers)})")
    report = Report(
        split=split,
        images=len(entries),
        counts=dict(zip(data.labels, data.pixels().tolist(), strict=True)),
        unit="pixels",
        broken=broken,
        notes=notes,
        searched=f"{masks}/*.png",
    )
    return replace(data, report=report)


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
                f"({_listed(data.ignore)} {_counts(data.ignore)} as none): correct the file, or "
                f"add `ignore_index={outside[0]}` if it does not stand for a class"
            )


def require_two_classes(data: SegmentationData, where: object) -> None:
    """Raises InputError unless the label images show two classes at least: of one, nothing could
    be learnt, and everything would be right."""
    pixels = data.pixels()
    if (pixels > 0).sum() < 2:
        raw = sorted({int(n) for entry in data.images for n in np.flatnonzero(entry.pixels)})
        raise InputError(
            f"{where}: the label images of the split {data.report.split} show one class, "
            f"{data.labels[int(pixels.argmax())]}: they hold {_listed(raw)}, and "
            f"{_listed(data.ignore)} {_counts(data.ignore)} as none{_advice(raw)}"
        )


def _names(
    folder: Path, labels: Sequence[str] | None, unnamed: Sequence[str] | None
) -> list[str] | None:
    listed = folder / "classes.txt"
    if labels is None and listed.is_file():
        labels = read_names(listed)
    if labels is None:
        return list(unnamed) if unnamed is not None else None
    require_distinct(list(labels), listed if listed.is_file() else "the names of the classes")
    return list(labels)


def _white(
    folder: Path, values: list[int], names: list[str] | None, ignore: Sequence[int]
) -> int | None:
    """The number that stands for class 1 in black and white masks; None in all others."""
    white = values[-1]
    if names is None or len(names) != 2 or white not in WHITE or white in ignore:
        return None
    if not {*values} <= {0, white}:
        return None
    # 255 is no class where another mask of the same data set has a class 1.
    for mask in _all_masks(folder):
        if not {*np.unique(read_numbers(mask, _MEANING)).tolist()} <= {0, white}:
            return None
    return white


def _all_masks(folder: Path) -> list[Path]:
    roots = [_masks(folder), *map(_masks, _folders(folder))]
    places = {each for root in roots if root.is_dir() for each in (root, *_folders(root))}
    return sorted(path for place in places for path in place.glob("*.png"))


def _masks(root: Path) -> Path:
    """The folder of the label images: masks, or what else holds PNG files, itself or for each
    folder of images/."""
    splits = [place.name for place in _folders(root / "images")]
    for name in _MASKS:
        places = [root / name, *(root / name / split for split in splits)]
        if any(next(place.glob("*.png"), None) is not None for place in places):
            return root / name
    return root / _MASKS[0]


def _folders(place: Path) -> list[Path]:
    return folders_in(place) if place.is_dir() else []


def _require_plausible(
    folder: Path, split: str, values: list[int], used: list[int], ignored: Sequence[int]
) -> None:
    """Where nothing names the classes: refuses one class, and numbers that are far apart."""
    if len(used) == 1:
        raise InputError(
            f"{folder}: the label images of the split {split} show one class: they hold "
            f"{_listed(values)}, and {_listed(ignored)} {_counts(ignored)} as none{_advice(values)}"
        )
    if len(used) * _FEW < max(used) + 1 or (len(used) == 2 and used[0] == 0 and used[1] > 1):
        raise InputError(
            f"{folder}: the label images of the split {split} hold {_listed(values)}; expected the "
            "classes 0, 1, 2, ... without such gaps"
            + (
                _advice(values)
                or f": name all {max(used) + 1} in classes.txt or `labels`, or renumber them"
            )
        )


def _advice(values: list[int]) -> str:
    white = values[-1]
    if white not in WHITE or not {*values} <= {0, white}:
        return ""
    return (
        f"; if {white} is a class, name two, one on each line, in classes.txt or `labels` (such as "
        f"background and crack): then {white} is the second"
    )


def _listed(numbers: Iterable[int]) -> str:
    return shortened([str(number) for number in numbers], 12) or "no number"


def _counts(numbers: Sequence[int]) -> str:
    return "counts" if len(numbers) < 2 else "count"


def _read_all(
    folder: Path, images: list[Path], masks: Path
) -> tuple[list[LabelledImage], list[str]]:
    """The images with their label images, and a line for each broken image."""
    entries, broken = [], []
    for image in images:
        mask = mask_of(image, masks)
        try:
            size = upright_size(image)
        except InputError as error:
            broken.append(str(error))
            continue
        numbers = read_numbers(mask, _MEANING)
        require_same_size(mask, numbers, image, size)
        entries.append(LabelledImage(image, mask, size, np.bincount(numbers.ravel())))
    if not entries:
        raise InputError(
            f"{folder}: all {len(broken)} images are broken: {shortened(broken, NAMED, '; ')}"
        )
    return entries, broken


def _split(folder: Path, split: str) -> tuple[list[Path], Path]:
    """The images of the split and the folder of their label images."""
    if not folder.is_dir():
        what = "a file" if folder.is_file() else "no such folder"
        raise InputError(f"{folder}: {what}; expected a folder with images/ and masks/")
    if (folder / "JPEGImages").is_dir() and (folder / _VOC_MASKS).is_dir():
        return _of_voc(folder, split), folder / _VOC_MASKS
    outer = [place.name for place in folders_in(folder) if (place / "images").is_dir()]
    if (name := named_split(outer, split)) is not None:
        return list_images(folder / name / "images"), _masks(folder / name)
    below = [place.name for place in _folders(folder / "images")]
    if (name := named_split(below, split)) is not None:
        return list_images(folder / "images" / name), _masks(folder) / name
    if splits := [*outer, *below]:
        raise InputError(f"{folder}: no split {split}; there are {', '.join(sorted(splits))}")
    images = folder / "images"
    if not images.is_dir():
        raise InputError(
            f"{folder}: no known data set; expected {split}/images/ with {split}/masks/, images/ "
            "with masks/, or JPEGImages/ with SegmentationClass/ (Pascal VOC); there are "
            f"{contents(folder)}"
        )
    return divide(list_images(images), split, images), _masks(folder)


def _of_voc(folder: Path, split: str) -> list[Path]:
    """The images of Pascal VOC's ImageSets/Segmentation/<split>.txt."""
    sets = folder / "ImageSets" / "Segmentation"
    lists = {path.stem: path for path in sorted(sets.glob("*.txt"))}
    if (name := named_split(lists, split)) is None:
        there = ", ".join(lists) or "none"
        raise InputError(f"{sets}: no {split}.txt; splits there: {there}")
    images = {image.stem: image for image in list_images(folder / "JPEGImages")}
    stems = [line.strip() for line in read_lines(lists[name]) if line.strip()]
    missing = [stem for stem in stems if stem not in images]
    if missing:
        raise InputError(
            f"{lists[name]}: names {missing[0]}, and JPEGImages has no image of that name"
        )
    return [images[stem] for stem in dict.fromkeys(stems)]
