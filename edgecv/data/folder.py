"""A data set of any format: found out from what lies in its folder."""

from __future__ import annotations

from pathlib import Path

from edgecv_runtime import InputError

from . import coco, mask_folder, voc, yolo
from .image_files import contents
from .records import DetectionData

_FORMATS = {"Pascal VOC": voc, "COCO": coco, "YOLO": yolo, "mask images": mask_folder}


def read_folder(folder: str | Path, split: str) -> DetectionData:
    """Reads one split (`train`, `val`, or another that the data set has).

    Pascal VOC: ImageSets/Main/<split>.txt. COCO: the file instances_*<split>*.json, or
    <split>/_annotations.coco.json. YOLO: the entry in data.yaml, else images/<split>. Mask images:
    images/<split> and masks/<split>, else the images in images/ are divided by their names into
    `train` and `val` (one in five).

    Args:
        folder: of the data set; or the data file (.yaml) of a YOLO data set.

    Returns:
        Records and a report of what was found, left out and changed.

    Raises:
        InputError: no such folder or split, no or several formats, missing or broken files, labels
            that cannot mean these images. A split without a single object is none of these:
            `data.report.require_objects`.
    """
    folder = Path(folder)
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
    found = {name: reader for name, reader in _FORMATS.items() if reader.recognises(folder)}
    if not found:
        raise InputError(
            f"{folder}: no known data set; expected Annotations/ and ImageSets/Main/ (Pascal VOC), "
            "instances_*.json or SPLIT/_annotations.coco.json (COCO), data.yaml or images/ with "
            f"labels/ (YOLO), images/ with masks/; there are {contents(folder)}"
        )
    if len(found) > 1:
        raise InputError(f"{folder}: holds {' and '.join(found)}; keep one format in a folder")
    return next(iter(found.values())).read(folder, split)
