"""Pascal VOC folders: Annotations/*.xml, JPEGImages/*, ImageSets/Main/<split>.txt."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from edgecv_runtime import InputError

from .image_files import IMAGE_SUFFIXES
from .records import DetectionData, RecordCollector


def recognises(folder: Path) -> bool:
    return (folder / "Annotations").is_dir() and (folder / "ImageSets" / "Main").is_dir()


def read(folder: Path, split: str) -> DetectionData:
    """Reads the images named in ImageSets/Main/<split>.txt.

    Labels are the object names of all annotations, sorted, so that every split has the same.
    Coordinates are taken as written: the corners xmin, ymin, xmax, ymax in pixels.

    Raises:
        InputError: a file is missing or broken; the message names it.
    """
    annotations = {path.stem: path for path in sorted((folder / "Annotations").glob("*.xml"))}
    objects = {stem: _read_objects(path) for stem, path in annotations.items()}
    labels = sorted({name for entries in objects.values() for name, _, _ in entries})
    index = {name: i for i, name in enumerate(labels)}

    split_file = _split_file(folder, split)
    collector = RecordCollector()
    for line in split_file.read_text().splitlines():
        if not line.strip():
            continue
        stem = line.split()[0]
        if stem not in annotations:
            raise InputError(
                f"{split_file}: {stem} has no file {folder / 'Annotations' / stem}.xml"
            )
        entries = objects[stem]
        collector.add(
            _image_of(folder, stem),
            annotations[stem],
            [box for _, box, _ in entries],
            [index[name] for name, _, _ in entries],
            [difficult for _, _, difficult in entries],
        )
    return collector.finish(labels, split_file)


def _split_file(folder: Path, split: str) -> Path:
    sets = folder / "ImageSets" / "Main"
    path = sets / f"{split}.txt"
    if not path.is_file():
        # Files such as dog_train.txt are lists for one class.
        present = sorted(p.stem for p in sets.glob("*.txt") if "_" not in p.stem)
        raise InputError(f"{sets}: no {split}.txt; splits there: {', '.join(present) or 'none'}")
    return path


def _image_of(folder: Path, stem: str) -> Path:
    images = folder / "JPEGImages"
    for suffix in IMAGE_SUFFIXES:
        for candidate in (images / (stem + suffix), images / (stem + suffix.upper())):
            if candidate.is_file():
                return candidate
    raise InputError(f"{images}: no image for {stem}; expected {stem}.jpg or another image format")


def _read_objects(path: Path) -> list[tuple[str, tuple[float, float, float, float], bool]]:
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: broken XML: {error}") from error
    entries = []
    for number, element in enumerate(root.iter("object"), 1):
        name = element.findtext("name", "").strip()
        if not name:
            raise InputError(f"{path}: object {number} has no name")
        try:
            x1, y1, x2, y2 = (
                float(element.findtext(f"bndbox/{key}", "missing"))
                for key in ("xmin", "ymin", "xmax", "ymax")
            )
        except ValueError as error:
            raise InputError(
                f"{path}: object {number} ({name}): bndbox needs numbers xmin, ymin, xmax, ymax"
            ) from error
        difficult = element.findtext("difficult", "0").strip() == "1"
        entries.append((name, (x1, y1, x2, y2), difficult))
    return entries
