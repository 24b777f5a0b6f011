"""Readers of data sets: labels of each format, lists of names, masks of numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgecv.data.class_folder import read_classes
from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.label_images import read_numbers
from edgecv.data.reading.names_file import read_names
from edgecv.data.segmentation_folder import read_segmentation
from fuzz.reader import Reader, encoded, image, put

_PNG = image(".png")


def _beside(
    files: dict[str, bytes], read: Callable[[Path, str], object] = read_folder
) -> Callable[[Path], object]:
    """Reads a data set of which one file is the fuzzed one."""

    def read_all(folder: Path) -> object:
        put(folder, files)
        return read(folder, "train")

    return read_all


def _coco(**annotation: object) -> bytes:
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 72}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, **annotation}],
        "categories": [{"id": 1, "name": "dog"}],
    }
    return json.dumps(content).encode()


_BOX = [1, 2, 3, 4]
# Three columns of 10 pixels, and how pycocotools writes the same.
_RUNS = {"size": [72, 80], "counts": [72, 10, 62, 10, 62, 10, 5534]}
_COMPRESSED = {"size": [72, 80], "counts": "X2:n1000P[5"}
_VOC = (
    b"<annotation><filename>a.png</filename><size><width>80</width><height>72</height></size>"
    b"<object><name>dog</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin>"
    b"<xmax>9</xmax><ymax>8</ymax></bndbox></object></annotation>"
)
_UTF16 = '<?xml version="1.0" encoding="UTF-16"?>' + _VOC.decode()
_YAML = b"path: .\ntrain: images/train\nval: images/train\n"
_NAMED = b"train: images/train\nnames: [a, b]\n"
_BOXES = b"0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.2 0.1 0.3 0.4\n"
_ORIENTED = b"0 0.1 0.1 0.3 0.1 0.3 0.3 0.1 0.3\n" * 2
_KEYPOINTS = b"0 0.5 0.5 0.4 0.4 0.5 0.5 2 0.6 0.6 1\n" * 3

_NUMBERS = np.arange(72 * 80, dtype=np.uint8).reshape(72, 80) // 16 % 3
# Those without compression and check sums, too, of which a change is still an image.
_MASKS = [encoded(s, _NUMBERS) for s in (".png", ".bmp", ".pgm", ".tif")]
_MASKS += [encoded(s, _NUMBERS.astype(np.uint16)) for s in (".png", ".pgm", ".tif")]

READERS = {
    "names": Reader(
        "names.txt",
        [b"dog\ncat\n", "dog\r\nK\xe4fer\r\n".encode("utf-16")],
        lambda folder: read_names(folder / "names.txt"),
    ),
    "yolo_yaml": Reader(
        "data.yaml",
        [
            _YAML + b"nc: 2\nnames:\n  0: dog\n  1: cat\n",
            _YAML + b"names: ['dog', \"cat\"]\nkpt_shape: [17, 3]\n",
        ],
        _beside({"images/train/a.png": _PNG, "labels/train/a.txt": b"0 0.5 0.5 0.2 0.2\n"}),
    ),
    "yolo_labels": Reader(
        "labels/train/a.txt",
        [_BOXES, _ORIENTED, _KEYPOINTS],
        _beside({"images/train/a.png": _PNG, "data.yaml": _NAMED}),
    ),
    "yolo_list": Reader(
        "train.txt",
        [b"images/train/a.png\n./images/train/b.png\n"],
        _beside(
            {
                **{f"images/train/{name}.png": _PNG for name in "ab"},
                **{f"labels/train/{name}.txt": _BOXES for name in "ab"},
                "data.yaml": b"train: train.txt\nnames: [a, b]\n",
            }
        ),
    ),
    "coco": Reader(
        "train/_annotations.coco.json",
        [
            _coco(bbox=_BOX),
            _coco(bbox=_BOX, iscrowd=1, segmentation=_RUNS),
            _coco(bbox=_BOX, segmentation=_COMPRESSED),
            _coco(bbox=_BOX, segmentation=[[1, 2, 4, 2, 4, 6, 1, 6]]),
        ],
        _beside({"train/a.png": _PNG}),
    ),
    "voc": Reader(
        "Annotations/a.xml",
        [_VOC, _UTF16.encode("utf-16")],
        _beside({"JPEGImages/a.png": _PNG, "ImageSets/Main/train.txt": b"a\n"}),
    ),
    "voc_list": Reader(
        "ImageSets/Main/train.txt",
        [b"a\n", b"a  1\n"],
        _beside({"JPEGImages/a.png": _PNG, "Annotations/a.xml": _VOC}),
    ),
    "class_folder": Reader(
        "train/dog/b.png",
        [image(suffix) for suffix in (".png", ".jpg", ".bmp", ".tif", ".webp", ".avif")],
        _beside({"train/cat/a.png": _PNG}, read_classes),
    ),
    "instance_masks": Reader("masks/train/a.png", _MASKS, _beside({"images/train/a.png": _PNG})),
    "class_masks": Reader(
        "masks/train/a.png",
        _MASKS,
        _beside({"images/train/a.png": _PNG}, read_segmentation),
    ),
    "mask": Reader(
        "mask.png", _MASKS, lambda folder: read_numbers(folder / "mask.png", "class numbers")
    ),
}
