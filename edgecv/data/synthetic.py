"""A generated data set: coloured shapes on textured noise, for the demo and for tests."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.opencv import import_cv2

SHAPES = ("circle", "square", "triangle")


def write_shapes(
    folder: str | Path,
    train: int = 200,
    val: int = 50,
    size: tuple[int, int] = (160, 192),
    seed: int = 0,
    layout: str = "voc",
) -> Path:
    """Writes a data set of circles, squares and triangles.

    Args:
        folder: made if it is not there; files in it are overwritten.
        train, val: numbers of images.
        size: height and width of the images in pixels; each differs a little.
        seed: the same seed gives the same files.
        layout: `voc`, `coco` or `yolo`.

    Returns:
        The folder. Boxes have whole-number corners, so that all layouts hold the same boxes.
    """
    writer = {"voc": _write_voc, "coco": _write_coco, "yolo": _write_yolo}[layout]
    folder = Path(folder)
    generator = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        writer(folder, split, [draw_shapes(generator, size) for _ in range(count)])
    return folder


Sample = tuple[NDArray[np.uint8], list[tuple[int, int, int, int]], list[int]]


def draw_shapes(generator: np.random.Generator, size: tuple[int, int]) -> Sample:
    """One picture: uint8 [H, W, 3] BGR, its boxes (xyxy in pixels) and labels (indices of SHAPES).

    Shapes overlap by at most a tenth of the smaller one.
    """
    height, width = (int(side * generator.uniform(0.85, 1.15)) for side in size)
    image = _texture(generator, height, width)
    boxes: list[tuple[int, int, int, int]] = []
    labels: list[int] = []
    wanted = int(generator.integers(1, 6))
    for _ in range(10 * wanted):
        if len(boxes) == wanted:
            break
        side = int(min(size) * generator.uniform(0.15, 0.5))
        x = int(generator.integers(0, width - side))
        y = int(generator.integers(0, height - side))
        box = (x, y, x + side, y + side)
        if all(_overlap(box, other) <= 0.1 for other in boxes):
            label = int(generator.integers(len(SHAPES)))
            _draw(image, box, label, generator)
            boxes.append(box)
            labels.append(label)
    noise = generator.normal(0, 8, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), boxes, labels


def _texture(generator: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Clouds of dull colour, from coarse to fine."""
    cv2 = import_cv2()
    image = np.zeros((height, width, 3), np.float32)
    for cells, contrast in ((4, 45), (16, 25), (48, 15)):
        coarse = generator.uniform(-contrast, contrast, (cells, cells, 1))
        tint = generator.uniform(-contrast / 4, contrast / 4, (cells, cells, 3))
        cloud = (coarse + tint).astype(np.float32)
        image += cv2.resize(cloud, (width, height), interpolation=cv2.INTER_CUBIC)
    return image + np.float32(generator.uniform(80, 175))


def _overlap(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (box, other))
    return max(width, 0) * max(height, 0) / smaller


def _draw(
    image: NDArray[np.float32],
    box: tuple[int, int, int, int],
    label: int,
    generator: np.random.Generator,
) -> None:
    cv2 = import_cv2()
    x1, y1, x2, y2 = box
    # Vivid: one channel strong, one weak.
    colour = generator.permutation(
        [generator.uniform(200, 255), generator.uniform(0, 255), generator.uniform(0, 50)]
    )
    # Pixels x1 .. x2 - 1 are covered: the box's edges lie between pixels.
    if label == 0:
        yy, xx = np.mgrid[y1:y2, x1:x2] + 0.5
        radius = (x2 - x1) / 2
        inside = (xx - (x1 + x2) / 2) ** 2 + (yy - (y1 + y2) / 2) ** 2 <= radius**2
        image[y1:y2, x1:x2][inside] = colour
    elif label == 1:
        image[y1:y2, x1:x2] = colour
    else:
        corners = np.array([[(x1 + x2 - 1) // 2, y1], [x2 - 1, y2 - 1], [x1, y2 - 1]], np.int32)
        cv2.fillPoly(image, [corners], [float(c) for c in colour])


def _save(path: Path, image: NDArray[np.uint8]) -> None:
    cv2 = import_cv2()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise OSError(f"{path}: cannot be written")


def _write_voc(folder: Path, split: str, samples: list[Sample]) -> None:
    (folder / "Annotations").mkdir(parents=True, exist_ok=True)
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True, exist_ok=True)
    stems = [f"{split}_{i:05d}" for i in range(len(samples))]
    for stem, (image, boxes, labels) in zip(stems, samples, strict=True):
        _save(folder / "JPEGImages" / f"{stem}.png", image)
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = f"{stem}.png"
        extent = ElementTree.SubElement(root, "size")
        for key, value in zip(("height", "width", "depth"), image.shape, strict=True):
            ElementTree.SubElement(extent, key).text = str(value)
        for box, label in zip(boxes, labels, strict=True):
            element = ElementTree.SubElement(root, "object")
            ElementTree.SubElement(element, "name").text = SHAPES[label]
            ElementTree.SubElement(element, "difficult").text = "0"
            bndbox = ElementTree.SubElement(element, "bndbox")
            for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
                ElementTree.SubElement(bndbox, key).text = str(value)
        ElementTree.ElementTree(root).write(folder / "Annotations" / f"{stem}.xml")
    (sets / f"{split}.txt").write_text("\n".join(stems) + "\n")


def _write_coco(folder: Path, split: str, samples: list[Sample]) -> None:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (image, boxes, labels) in enumerate(samples, 1):
        name = f"{split}_{number - 1:05d}.png"
        _save(folder / "images" / split / name, image)
        height, width = image.shape[:2]
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(SHAPES)],
    }
    target = folder / "annotations" / f"instances_{split}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(content))


def _write_yolo(folder: Path, split: str, samples: list[Sample]) -> None:
    labels_folder = folder / "labels" / split
    labels_folder.mkdir(parents=True, exist_ok=True)
    for number, (image, boxes, labels) in enumerate(samples):
        stem = f"{split}_{number:05d}"
        _save(folder / "images" / split / f"{stem}.png", image)
        height, width = image.shape[:2]
        lines = [
            f"{label} {(x1 + x2) / 2 / width:.9f} {(y1 + y2) / 2 / height:.9f} "
            f"{(x2 - x1) / width:.9f} {(y2 - y1) / height:.9f}"
            for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True)
        ]
        (labels_folder / f"{stem}.txt").write_text("".join(line + "\n" for line in lines))
    names = ", ".join(SHAPES)
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames: [{names}]\n")
