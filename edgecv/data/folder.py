"""A data set folder of any format: found out from what lies there."""

from __future__ import annotations

from pathlib import Path

from edgecv_runtime import InputError

from . import coco, mask_folder, voc, yolo
from .records import DetectionData

_FORMATS = {"Pascal VOC": voc, "COCO": coco, "YOLO": yolo, "mask images": mask_folder}


def read_folder(folder: str | Path, split: str) -> DetectionData:
    """Reads one split (`train`, `val`, or another that the folder has).

    Pascal VOC: ImageSets/Main/<split>.txt. COCO: the file instances_*<split>*.json. YOLO: the entry
    in data.yaml, else images/<split>. Mask images: images/<split> and masks/<split>, else the
    images in images/ are divided by their names into `train` and `val` (one in five).

    Raises:
        InputError: no such folder or split, no or several formats, missing or broken files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; expected a data set (Pascal VOC, COCO, YOLO or mask images)"
        )
    found = {name: reader for name, reader in _FORMATS.items() if reader.recognises(folder)}
    if not found:
        raise InputError(
            f"{folder}: no known data set; expected Annotations/ and ImageSets/Main/ (Pascal VOC), "
            "instances_*.json (COCO), data.yaml or images/ with labels/ (YOLO), images/ with masks/"
        )
    if len(found) > 1:
        raise InputError(f"{folder}: holds {' and '.join(found)}; keep one format in a folder")
    return next(iter(found.values())).read(folder, split)
