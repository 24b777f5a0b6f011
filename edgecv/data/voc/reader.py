"""Pascal VOC folders: Annotations/*.xml, JPEGImages/*, ImageSets/Main/<split>.txt, and the layouts
of other tools."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

from edgecv_runtime import InputError

from ..reading.image_files import contents, images_below, is_image, list_images
from ..reading.records import Corners, DetectionData, Labelled, RecordCollector
from ..reading.split_report import NAMED, counted, shortened
from ..reading.splits import divide, named_split
from ..reading.text import read_lines, read_xml
from .layout import Place, find_place, has_lists, key, split_places, xml_files

_YES, _NO = {"1", "true", "yes"}, {"0", "false", "no", "unspecified", ""}


def recognises(folder: Path) -> bool:
    return has_lists(folder)


def recognises_other(folder: Path) -> bool:
    """Whether there are annotations without lists, in one of the layouts of voc_layout."""
    return bool(find_place(folder) or split_places(folder))


class _Annotation(NamedTuple):
    path: Path
    size: tuple[int, int] | None  # (H, W) as the file says
    objects: list[tuple[str, Corners, bool]]  # name, corners, difficult


def read(folder: Path, split: str) -> DetectionData:
    """Reads the images named in ImageSets/Main/<split>.txt; without such lists those in the split's
    folder, else a share of all (splits.divide).

    Labels are the object names of all annotations, sorted, so that every split has the same.
    Coordinates are taken as written: the corners xmin, ymin, xmax, ymax in pixels. An image
    without an annotation has no objects.

    Raises:
        InputError: a file is missing or broken; the message names it.
    """
    place, others = _places(folder, split)
    annotations = {
        key(path, place.annotations): _read_annotation(path)
        for path in xml_files(place.annotations)
    }
    other = [_read_annotation(path) for each in others for path in xml_files(each.annotations)]
    every = [*annotations.values(), *other]
    labels = sorted({name for entry in every for name, _, _ in entry.objects})
    index = {name: i for i, name in enumerate(labels)}
    images = _images(place.images)

    collector = RecordCollector(split)
    if has_lists(folder):
        split_file, stems = _of_lists(folder, split, {*annotations, *images}, collector)
    else:
        split_file = place.images
        stems = list(images) if others else _divided(place.images, split)
        if alone := sorted(annotations.keys() - images.keys()):
            collector.notes.append(
                f"{counted(len(alone), 'annotation')} without an image: {shortened(alone, NAMED)}"
            )
    without = [stem for stem in stems if stem not in annotations]
    if stems and len(without) == len(stems):
        raise InputError(
            f"{split_file}: none of its {len(stems)} images has an annotation; looked for "
            f"{place.annotations / without[0]}.xml; there are {contents(folder)}"
        )
    if without:
        collector.notes.append(
            f"{counted(len(without), 'image')} without an annotation, taken for images without "
            f"objects: {shortened(without, NAMED)}"
        )
    for stem in stems:
        image = _image_of(stem, images, place.images)
        if (size := collector.size_of(image)) is None:
            continue
        entry = annotations.get(stem, _Annotation(split_file, None, []))
        if entry.size is not None and entry.objects:
            collector.require_size(image, size, entry.size, entry.path)
        objects = [Labelled(box, index[name], hard) for name, box, hard in entry.objects]
        collector.add(image, entry.path, size, objects)
    return collector.finish(labels, split_file, f"{place.annotations}/*.xml")


def _places(folder: Path, split: str) -> tuple[Place, list[Place]]:
    """The split's place, and those of all splits, whose classes it has; none where they are one."""
    if has_lists(folder):
        return Place(folder / "Annotations", folder / "JPEGImages"), []
    if (place := find_place(folder)) is not None:
        return place, []
    places = split_places(folder)
    if (name := named_split(places, split)) is None:
        raise InputError(f"{folder}: no folder {split}; there are {', '.join(places)}")
    return places[name], list(places.values())


def _divided(images: Path, split: str) -> list[str]:
    return [key(image, images) for image in divide(list_images(images), split, images)]


def _of_lists(
    folder: Path, split: str, known: set[str], collector: RecordCollector
) -> tuple[Path, list[str]]:
    """The list of the split and its stems. VOTT has lists for each class only, such as
    dog_train.txt: then those of all."""
    sets = folder / "ImageSets" / "Main"
    lists = {path.stem: path for path in sorted(sets.glob("*.txt"))}
    if (name := named_split(lists, split)) is not None:
        return lists[name], _listed(lists[name], known, collector)
    present = [name for name in lists if "_" not in name]
    of_classes = [path for stem, path in lists.items() if stem.endswith(f"_{split}")]
    if present or not of_classes:
        raise InputError(f"{sets}: no {split}.txt; splits there: {', '.join(present) or 'none'}")
    stems = [stem for path in of_classes for stem in _listed(path, known, collector)]
    return of_classes[0], list(dict.fromkeys(stems))


def _listed(path: Path, known: set[str], collector: RecordCollector) -> list[str]:
    """The stems of a list. A line is a name, which may hold spaces, or a name and 1, 0 or -1 (a
    list for one class); the name may have the image's suffix or folder."""
    stems: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not (name := line.strip()):
            continue
        flagged = re.fullmatch(r"(.*\S)\s+(?:-1|0|1)", name)
        choices = [c for text in (name, flagged and flagged[1]) if text for c in _names(text)]
        stem = next((choice for choice in choices if choice in known), None)
        if stem is None:
            raise InputError(
                f"{path}:{number}: {name} has no file {name}.xml in Annotations, and no image of "
                "that name in JPEGImages"
            )
        if stem in stems:
            collector.note("lines that repeat an image, read once", f"line {number}")
        stems.setdefault(stem, number)
    return list(stems)


def _names(text: str) -> list[str]:
    last = re.split(r"[\\/]", text)[-1]
    return [text, Path(text).stem, last, Path(last).stem] if is_image(Path(last)) else [text, last]


def _images(place: Path) -> dict[str, list[Path]]:
    """The image files of each stem."""
    images: dict[str, list[Path]] = {}
    if place.is_dir():
        for path in images_below(place):
            images.setdefault(key(path, place), []).append(path)
    return images


def _image_of(stem: str, images: dict[str, list[Path]], place: Path) -> Path:
    if stem not in images:
        raise InputError(f"{place}: no image for {stem}; expected {stem}.jpg or another format")
    if len(images[stem]) > 1:
        names = ", ".join(path.name for path in images[stem])
        raise InputError(f"{place}: several images for {stem}: {names}; keep the labelled one")
    return images[stem][0]


def _read_annotation(path: Path) -> _Annotation:
    root = read_xml(path)
    if root.tag != "annotation":
        raise InputError(f"{path}: begins with <{root.tag}>; expected Pascal VOC's <annotation>")
    objects = []
    for number, element in enumerate(root.iter("object"), 1):
        name = element.findtext("name", "").strip()
        if not name:
            raise InputError(f"{path}: object {number} has no name")
        where = f"{path}: object {number} ({name})"
        try:
            x1, y1, x2, y2 = (
                float(element.findtext(f"bndbox/{key}", "missing"))
                for key in ("xmin", "ymin", "xmax", "ymax")
            )
        except ValueError as error:
            other = [tag for tag in ("robndbox", "polygon") if element.find(tag) is not None]
            has = f", it has a {other[0]}" if other else ""
            raise InputError(
                f"{where}: bndbox needs numbers xmin, ymin, xmax, ymax{has}"
            ) from error
        difficult = element.findtext("difficult", "").strip()
        if difficult.lower() not in _YES | _NO:
            raise InputError(f"{where}: difficult is {difficult!r}; expected 0 or 1")
        objects.append((name, (x1, y1, x2, y2), difficult.lower() in _YES))
    return _Annotation(path, _size(root, path), objects)


def _size(root: ElementTree.Element, path: Path) -> tuple[int, int] | None:
    """(H, W) as the file says; None where it says nothing, or 0 as some tools do."""
    texts = [root.findtext(f"size/{key}", "").strip() for key in ("height", "width")]
    try:
        height, width = (int(float(text or 0)) for text in texts)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: size is {texts[1]} x {texts[0]}; expected numbers") from error
    return (height, width) if height > 0 and width > 0 else None
