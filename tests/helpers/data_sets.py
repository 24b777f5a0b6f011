"""Small data sets in each format, written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np


def write_image(path: Path, height: int = 60, width: int = 80) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))


def voc_object(name: str, box: tuple[float, ...], difficult: int = 0) -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in corners)
    return (
        f"<object><name>{name}</name><difficult>{difficult}</difficult>"
        f"<bndbox>{inner}</bndbox></object>"
    )


def make_voc(folder: Path, objects: dict[str, str], split: str = "train") -> Path:
    (folder / "Annotations").mkdir(parents=True)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for stem, content in objects.items():
        write_image(folder / "JPEGImages" / f"{stem}.png")
        xml = f"<annotation>{content}</annotation>"
        (folder / "Annotations" / f"{stem}.xml").write_text(xml)
    (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(objects) + "\n")
    return folder


def make_coco(folder: Path, content: object, split: str = "train") -> Path:
    write_image(folder / "images" / split / "a.png")
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "annotations" / f"instances_{split}.json").write_text(text)
    return folder


COCO = {
    "images": [{"id": 7, "file_name": "a.png"}],
    "categories": [{"id": 9, "name": "dog"}, {"id": 3, "name": "cat"}],
    "annotations": [
        {"image_id": 7, "category_id": 9, "bbox": [1.5, 2, 10, 20], "iscrowd": 0},
        {"image_id": 7, "category_id": 3, "bbox": [0, 0, 40, 30], "iscrowd": 1},
    ],
}


def make_yolo(folder: Path, lines: str, yaml: str | None = "names: [cat, dog]") -> Path:
    write_image(folder / "images" / "train" / "a.png")
    (folder / "labels" / "train").mkdir(parents=True)
    (folder / "labels" / "train" / "a.txt").write_text(lines)
    if yaml is not None:
        (folder / "data.yaml").write_text(f"train: images/train\nval: images/train\n{yaml}\n")
    return folder
