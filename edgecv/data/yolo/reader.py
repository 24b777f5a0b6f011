"""YOLO folders: images/<split>/* and labels/<split>/*.txt, described by data.yaml or by habit."""

from __future__ import annotations

from pathlib import Path

from edgecv_runtime import InputError

from ..reading.image_files import (
    contents,
    find_file,
    folders_in,
    images_below,
    is_image,
    list_images,
    require_distinct_names,
    unread_beside,
)
from ..reading.names_file import read_names, require_distinct
from ..reading.records import DetectionData, Labelled, RecordCollector
from ..reading.split_report import NAMED, counted, shortened
from ..reading.splits import divide, named_split
from ..reading.text import read_lines
from .data_file import DataFile, is_data_file, read_data_file
from .labels import Forms, LabelFiles, read_rows

YAML_SUFFIXES = (".yaml", ".yml")


def recognises(folder: Path) -> bool:
    places = [folder, *folders_in(folder)]
    return _yaml_file(folder) is not None or any(
        (place / "images").is_dir() and (place / "labels").is_dir() for place in places
    )


def recognises_other(folder: Path) -> bool:
    """Whether label files lie beside the images: LabelImg's, Darknet's, CVAT's with obj.names."""
    return bool(_darknet(folder)) or _labels_beside(folder)


def read_file(data_file: Path, split: str) -> DetectionData:
    """`read` for a folder whose data file has any name."""
    return _read(data_file.parent, read_data_file(data_file), split)


def read(folder: Path, split: str) -> DetectionData:
    """Reads one split: the one in data.yaml, else images/<split> with labels/<split>, else
    <split>/images with <split>/labels, else a share of images/ with labels/ (splits.divide).

    Other layouts are those of `recognises_other`. Names come from data.yaml, else from classes.txt
    (or obj.names, _darknet.labels), else they are the class numbers. An image
    without a label file has no objects. Polygons, oriented boxes and boxes with keypoints become
    boxes, and the report says so.

    Raises:
        InputError: a file is missing or broken, or no image has a label file; the message names it.
    """
    data_file = _yaml_file(folder)
    return _read(folder, read_data_file(data_file) if data_file else None, split)


def _read(folder: Path, data: DataFile | None, split: str) -> DetectionData:
    images = _images(folder, data, split)
    require_distinct_names(images)
    names = data.names if data is not None else _names(folder, split, images)
    collector = RecordCollector(split)
    collector.notes += unread_beside(images)
    files = LabelFiles(images)
    if images and not any(files.of(image) for image in images):
        looked = ", ".join(str(path) for path in files.expected(images[0]))
        raise InputError(
            f"{folder}: no label file for any of the {counted(len(images), 'image')} of the split "
            f"{split!r}; looked for {looked}; there are {contents(folder)}: a label file has its "
            "image's name, in a folder labels beside the folder images, or beside the image"
        )
    forms = Forms(data.keypoints if data is not None else None)
    rows = {image: read_rows(path) if (path := files.of(image)) else [] for image in images}
    boxes = forms.boxes([row for entries in rows.values() for row in entries])
    collector.notes += forms.notes
    if not names:
        count = max((row.label for entries in rows.values() for row in entries), default=-1) + 1
        names = [str(i) for i in range(count)]
    without = [image.name for image in images if files.of(image) is None]
    if without:
        collector.notes.append(
            f"{counted(len(without), 'image')} without a label file, taken for images without "
            f"objects: {shortened(without, NAMED)}"
        )
    if unused := files.unused():
        collector.notes.append(
            f"{counted(len(unused), 'label file')} without an image: "
            f"{shortened([path.name for path in unused], NAMED)}"
        )
    remaining = iter(boxes)
    for image, entries in rows.items():
        fractions = [next(remaining) for _ in entries]
        for row in entries:
            if row.label >= len(names):
                raise InputError(
                    f"{row.where}: class {row.label}, but there are {len(names)} names, from 0 "
                    f"on: {shortened(names, 20)}"
                )
        if (size := collector.size_of(image)) is None:
            continue
        height, width = size
        found = [
            Labelled((x1 * width, y1 * height, x2 * width, y2 * height), row.label)
            for row, (x1, y1, x2, y2) in zip(entries, fractions, strict=True)
        ]
        collector.add(image, files.of(image) or image, size, found)
    searched = ", ".join(str(path) for path in files.expected(images[0])) if images else str(folder)
    return collector.finish(names, folder, f"{searched} and so on")


def _yaml_file(folder: Path) -> Path | None:
    for name in ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml"):
        if (folder / name).is_file():
            return folder / name
    # Such as coco8.yaml: passed over, its classes would have numbers in place of names.
    others = sorted(
        path for path in folder.iterdir() if path.suffix in YAML_SUFFIXES and is_data_file(path)
    )
    if len(others) > 1:
        names = ", ".join(path.name for path in others)
        raise InputError(f"{folder}: several data files: {names}; give one of them as `data`")
    return others[0] if others else None


def _names(folder: Path, split: str, images: list[Path]) -> list[str]:
    beside = [images[0].parent] if images else []
    places = (folder, folder / "labels", folder / "labels" / split, *beside)
    files = ("classes.txt", "obj.names", "_darknet.labels")
    for candidate in (place / name for place in places for name in files):
        if candidate.is_file():
            names = read_names(candidate)
            require_distinct(names, candidate)
            return names
    return []


def _images(folder: Path, data: DataFile | None, split: str) -> list[Path]:
    if data is None:
        splits = _splits(folder) or _darknet(folder)
        if not splits:
            place = folder / "images" if (folder / "images").is_dir() else folder
            return divide(list_images(place), split, place)
        name = named_split(splits, split)
        if name is None:
            raise InputError(f"{folder}: no folder {split}; there are {', '.join(sorted(splits))}")
        places = [splits[name]]
    else:
        places = data.places(split)
    images: dict[Path, None] = {}
    for place in places:
        listed = _listed(place, data.root if data is not None else folder)
        if not listed:
            raise InputError(f"{place}: no images; there are {_found(place)}")
        images |= dict.fromkeys(listed)
    return list(images)


def _splits(folder: Path) -> dict[str, Path]:
    """The images' folder of each split: images/<split>, or <split>/images with <split>/labels."""
    inside = folder / "images"
    below = folders_in(inside) if inside.is_dir() else []
    splits = {place.name: place for place in below}
    for place in folders_in(folder):
        if (place / "images").is_dir() and (place / "labels").is_dir():
            splits.setdefault(place.name, place / "images")
    return splits


def _darknet(folder: Path) -> dict[str, Path]:
    """CVAT's lists beside obj.names, else the folders that hold images beside their label files."""
    if (folder / "obj.names").is_file():
        return {path.stem: path for path in sorted(folder.glob("*.txt"))}
    return {place.name: place for place in folders_in(folder) if _labels_beside(place)}


def _labels_beside(place: Path) -> bool:
    return any(is_image(path) and path.with_suffix(".txt").is_file() for path in place.iterdir())


def _found(place: Path) -> str:
    return contents(place) if place.is_dir() else "no lines"


def _listed(place: Path, root: Path) -> list[Path]:
    if place.is_dir():
        return images_below(place)
    if is_image(place):
        return [place]
    images: dict[Path, str] = {}
    for number, line in enumerate(read_lines(place), 1):
        if not (name := line.strip()):
            continue
        image = find_file([place.parent, root], name)
        if image is None:
            raise InputError(
                f"{place}:{number}: names {name}, which does not exist in {place.parent}"
                + (f" or {root}" if root != place.parent else "")
            )
        if images.setdefault(image, name) != name:
            raise InputError(
                f"{place}:{number}: {name} and {images[image]} are one file, {image}; keep the "
                "folders that the list names"
            )
    return list(images)
