"""A data set for detection or instances, of any format: found out from what lies in its folder."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from edgecv_runtime import InputError
from edgecv_runtime.files.regular import check_regular
from edgecv_runtime.one_line import one_line

from . import mask_folder
from .coco import reader as coco
from .reading.image_files import contents, folders_in
from .reading.records import DetectionData
from .voc import reader as voc
from .yolo import reader as yolo

_FORMATS = {"Pascal VOC": voc, "COCO": coco, "YOLO": yolo, "mask images": mask_folder}
# Looked for where none of these is: what other tools make of them.
_OTHERS = {"Pascal VOC": voc, "COCO": coco, "YOLO": yolo}
_MOST_FOLDERS = 50  # that are looked at for it
_MOST_FILES = 20_000
_DEPTH = 2  # folders around a data set, as in archives
# What a file's name says of a format that is not read, and how to get another.
_UNREAD = (
    ("*.tfrecord*", "TFRecord"),
    ("*.createml.json", "CreateML"),
    ("*annotations*.csv", "a table of boxes (CSV)"),
    ("panoptic_*.json", "COCO panoptic"),
    ("annotations.xml", "CVAT for images"),
)


def read_folder(folder: str | Path, split: str) -> DetectionData:
    """Reads one split (`train`, `val`, or another that the data set has).

    Pascal VOC: ImageSets/Main/<split>.txt. COCO: the file instances_*<split>*.json, or
    <split>/_annotations.coco.json. YOLO: the entry in data.yaml, else images/<split>. Mask images:
    images/<split> and masks/<split>. Other layouts of the first three: voc_layout, coco_files and
    yolo.recognises_other say which. Where nothing is divided, images are divided by their names
    into `train` and `val` (one in five).

    Args:
        folder: of the data set; or the data file (.yaml) of a YOLO data set.

    Returns:
        Records and a report of what was found, left out and changed.

    Raises:
        InputError: no such folder or split, no or several formats, missing or broken files, labels
            that cannot mean these images. A split without a single object is not an error here:
            see `data.report.require_objects`.

    Example:
        >>> data = read_folder("shapes", "train")
        >>> print(data.report.lines()[0])
        >>> data.labels, data.records[0].boxes  # xyxy in pixels, float32 [N, 4]
    """
    folder = Path(folder)
    with one_line(folder, "expected a data set"):  # such as a name too long for the file system
        return _read(folder, split)


def _read(folder: Path, split: str) -> DetectionData:
    if folder.is_file():
        if folder.suffix.lower() in yolo.YAML_SUFFIXES:
            return yolo.read_file(folder, split)
        raise InputError(
            f"{folder}: no data set; expected its folder, or the .yaml file of a YOLO data set"
        )
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; expected a data set (Pascal VOC, COCO, YOLO or mask images)"
        )
    found = _recognised(folder)
    if not found:
        raise InputError(
            f"{folder}: no known data set; expected Annotations/ with images (Pascal VOC), a JSON "
            "file with images, annotations and categories (COCO), data.yaml or images/ with "
            f"labels/ (YOLO), images/ with masks/; {_instead(folder)}"
        )
    if len(found) > 1:
        raise InputError(f"{folder}: holds {' and '.join(found)}; keep one format in a folder")
    return next(iter(found.values())).read(folder, split)


def _recognised(folder: Path) -> dict[str, Any]:
    return {name: reader for name, reader in _FORMATS.items() if reader.recognises(folder)} or {
        name: reader for name, reader in _OTHERS.items() if reader.recognises_other(folder)
    }


def _instead(folder: Path) -> str:
    """What is there in place of a data set: one further down, or another format."""
    places = [folder]
    with contextlib.suppress(OSError):  # folders that were not asked for
        for _ in range(_DEPTH):
            places = [place for each in places for place in folders_in(each)][:_MOST_FOLDERS]
            if (inner := next((place for place in places if _recognised(place)), None)) is not None:
                return f"there is one in {inner}: give that"
        files = [path for path, _ in zip(folder.rglob("*"), range(_MOST_FILES), strict=False)]
        for pattern, name in _UNREAD:
            if any(path.match(pattern) for path in files):
                return f"{name} is not read; export it as COCO, YOLO or Pascal VOC"
        json = next((path for path in files if path.suffix == ".json"), None)
        if json is not None and _is_labelme(json):
            return "LabelMe's JSON files are not read; make COCO of them with labelme2coco"
    return f"there are {contents(folder)}"


def _is_labelme(path: Path) -> bool:
    check_regular(path)
    with path.open("rb") as file:
        start = file.read(1 << 16)
    return b'"shapes"' in start and b'"version"' in start
