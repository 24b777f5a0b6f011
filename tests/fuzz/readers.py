"""Each reader of files from elsewhere, with small right files to begin with."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from edgecv.data.folder import read_folder
from edgecv.data.names_file import read_names
from edgecv.data.number_images import read_numbers
from edgecv.models.checkpoint import load_checkpoint
from edgecv.models.weight_files import read_state_dict
from edgecv_runtime._core import Manifest, check_graph
from edgecv_runtime.engines.built import read_engines
from edgecv_runtime.images import read_image
from edgecv_runtime.load import open_bundle

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Reader:
    """`read` gets a folder with the file in it, under its name."""

    name: str  # of the file
    seeds: list[bytes]
    read: Callable[[Path], object]


def _torch(content: object, **options: bool) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **{"conv.weight": np.ones((2, 3), np.float32)})
    return file.getvalue()


def _zip(compression: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for path in sorted((GOLDEN / "bundle_v1").iterdir()):
            archive.write(path, path.name)
    return file.getvalue()


def _image(suffix: str, bits: int = 8) -> bytes:
    gradient = np.arange(72 * 80 * 3, dtype=np.uint32).reshape(72, 80, 3)
    image = (gradient * 50 % 65536).astype(np.uint16) if bits == 16 else gradient.astype(np.uint8)
    done, data = cv2.imencode(suffix, image)
    assert done
    return bytes(data)


_WEIGHTS = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.zeros(2)}
_CHECKPOINT = {
    "format": 1,
    "architecture": "ssd_tiny",
    "arguments": {"num_classes": 3},
    "labels": ["a", "b"],
    "input": {"size": [64, 64]},
    "state_dict": _WEIGHTS,
    "training": {},
}
_COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 72}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    "categories": [{"id": 1, "name": "dog"}],
}
_VOC = (
    b"<annotation><filename>a.png</filename><size><width>80</width><height>72</height></size>"
    b"<object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax>"
    b"</bndbox></object></annotation>"
)


def _beside(files: dict[str, bytes]) -> Callable[[Path], object]:
    """Reads a data set of which one file is the fuzzed one."""

    def read(folder: Path) -> object:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return read_folder(folder, "train")

    return read


_PNG = _image(".png")
READERS = {
    "manifest": Reader(
        "bundle.json",
        [path.read_bytes() for path in sorted(GOLDEN.glob("bundle_*/bundle.json"))],
        lambda folder: Manifest.from_json((folder / "bundle.json").read_bytes().decode("latin-1")),
    ),
    "graph": Reader(
        "main.onnx",
        [path.read_bytes() for path in sorted(GOLDEN.glob("bundle_*/*.onnx"))],
        lambda folder: check_graph((folder / "main.onnx").read_bytes(), "main.onnx"),
    ),
    "zip": Reader(
        "bundle.zip",
        [_zip(kind) for kind in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2)],
        lambda folder: open_bundle(folder / "bundle.zip").__enter__(),
    ),
    "engines": Reader("engines.json", [b'{"schema": 1, "engines": []}'], read_engines),
    "checkpoint": Reader(
        "x.pt",
        [_torch(_CHECKPOINT), _torch(_CHECKPOINT, _use_new_zipfile_serialization=False)],
        lambda folder: load_checkpoint(folder / "x.pt"),
    ),
    "weights": Reader(
        "x.pth",
        [_torch(_WEIGHTS), _torch({"model": {1: torch.ones(2), ("a", 2): torch.ones(1)}}), _npz()],
        lambda folder: read_state_dict(folder / "x.pth"),
    ),
    "names": Reader("names.txt", [b"dog\ncat\n"], lambda folder: read_names(folder / "names.txt")),
    "yolo_yaml": Reader(
        "data.yaml",
        [b"path: .\ntrain: images/train\nval: images/train\nnc: 2\nnames:\n  0: dog\n  1: cat\n"],
        _beside({"images/train/a.png": _PNG, "labels/train/a.txt": b"0 0.5 0.5 0.2 0.2\n"}),
    ),
    "yolo_labels": Reader(
        "labels/train/a.txt",
        [b"0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.2 0.1 0.3 0.4\n"],
        _beside({"images/train/a.png": _PNG, "data.yaml": b"train: images/train\nnames: [a, b]\n"}),
    ),
    "coco": Reader(
        "train/_annotations.coco.json", [json.dumps(_COCO).encode()], _beside({"train/a.png": _PNG})
    ),
    "voc": Reader(
        "Annotations/a.xml",
        [_VOC],
        _beside({"JPEGImages/a.png": _PNG, "ImageSets/Main/train.txt": b"a\n"}),
    ),
    "mask": Reader(
        "mask.png",
        [cv2.imencode(".png", np.arange(100, dtype=np.uint8).reshape(10, 10))[1].tobytes()],
        lambda folder: read_numbers(folder / "mask.png", "class numbers"),
    ),
    "image": Reader(
        "image",
        [_image(s) for s in (".jpg", ".png", ".bmp", ".tif", ".webp", ".ppm", ".jp2", ".gif")]
        + [_image(".png", 16), _image(".tif", 16)],
        lambda folder: read_image(folder / "image"),
    ),
}
