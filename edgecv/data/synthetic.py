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
        layout: `voc`, `coco` (with masks), `yolo`, `masks` (instance masks of one class),
            `segments` (a class for each pixel, the background is one) or `classes` (a folder for
            each shape, one shape in each image).

    Returns:
        The folder. Boxes have whole-number corners, so that all layouts of boxes hold the same, but
        `masks`: there a box is the extent of what other shapes leave to be seen.
    """
    writer = {
        "voc": _write_voc,
        "coco": _write_coco,
        "yolo": _write_yolo,
        "masks": _write_masks,
        "segments": _write_segments,
        "classes": _write_classes,
    }[layout]
    folder = Path(folder)
    generator = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        writer(folder, split, [draw_shapes(generator, size) for _ in range(count)])
    return folder


Sample = tuple[NDArray[np.uint8], list[tuple[int, int, int, int]], list[int]]


def draw_shapes(generator: np.random.Generator, size: tuple[int, int]) -> Sample:
    """One image: uint8 [H, W, 3] BGR, its boxes (xyxy in pixels) and labels (indices of SHAPES).

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
            draw_shape(image, box, label, generator)
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


def draw_shape(
    image: NDArray[np.float32],
    box: tuple[int, int, int, int],
    label: int,
    generator: np.random.Generator,
) -> None:
    x1, y1, x2, y2 = box
    # Vivid: one channel strong, one weak.
    colour = generator.permutation(
        [generator.uniform(200, 255), generator.uniform(0, 255), generator.uniform(0, 50)]
    )
    image[y1:y2, x1:x2][_inside(box, label)] = colour


def _inside(box: tuple[int, int, int, int], label: int) -> NDArray[np.bool_]:
    """bool [y2 - y1, x2 - x1]: pixels x1 .. x2 - 1 are covered, the box's edges lie between."""
    cv2 = import_cv2()
    width, height = box[2] - box[0], box[3] - box[1]
    if label == 0:
        yy, xx = np.mgrid[:height, :width] + 0.5
        return (xx - width / 2) ** 2 + (yy - height / 2) ** 2 <= (width / 2) ** 2
    if label == 1:
        return np.ones((height, width), np.bool_)
    corners = [[(width - 1) // 2, 0], [width - 1, height - 1], [0, height - 1]]
    covered = cv2.fillPoly(np.zeros((height, width), np.uint8), [np.array(corners, np.int32)], 1)
    return covered.astype(np.bool_)


def instance_image(
    size: tuple[int, int], boxes: list[tuple[int, int, int, int]], labels: list[int]
) -> NDArray[np.uint8]:
    """uint8 [H, W] of an image's shapes: 0 for the background, i + 1 where box i's is seen (later
    ones lie over earlier ones)."""
    instances = np.zeros(size, np.uint8)
    for number, (box, label) in enumerate(zip(boxes, labels, strict=True), 1):
        x1, y1, x2, y2 = box
        instances[y1:y2, x1:x2][_inside(box, label)] = number
    return instances


def _save(path: Path, image: NDArray[np.uint8]) -> None:
    cv2 = import_cv2()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not by its name: OpenCV ends the process on a name that is not UTF-8.
    ok, data = cv2.imencode(path.suffix, image)
    if not ok:
        raise OSError(f"{path}: cannot be encoded")
    path.write_bytes(data.tobytes())


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
    (sets / f"{split}.txt").write_text("\n".join(stems) + "\n", encoding="utf-8")


def _write_coco(folder: Path, split: str, samples: list[Sample]) -> None:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (image, boxes, labels) in enumerate(samples, 1):
        name = f"{split}_{number - 1:05d}.png"
        _save(folder / "images" / split / name, image)
        height, width = image.shape[:2]
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        instances = instance_image((height, width), boxes, labels)
        for i, ((x1, y1, x2, y2), label) in enumerate(zip(boxes, labels, strict=True), 1):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": int((instances == i).sum()),
                    "segmentation": {"size": [height, width], "counts": _runs(instances == i)},
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
    target.write_text(json.dumps(content), encoding="utf-8")


def _runs(mask: NDArray[np.bool_]) -> list[int]:
    """COCO's run lengths: column by column, zeros first."""
    pixels = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(pixels)) + 1
    runs = np.diff([0, *changes, pixels.size])
    return ([0] if pixels[0] else []) + [int(run) for run in runs]


def _write_masks(folder: Path, split: str, samples: list[Sample]) -> None:
    for number, (image, boxes, labels) in enumerate(samples):
        name = f"{split}_{number:05d}.png"
        _save(folder / "images" / split / name, image)
        instances = instance_image((image.shape[0], image.shape[1]), boxes, labels)
        _save(folder / "masks" / split / name, instances)
    (folder / "classes.txt").write_text("shape\n", encoding="utf-8")


def _write_segments(folder: Path, split: str, samples: list[Sample]) -> None:
    for number, (image, boxes, labels) in enumerate(samples):
        name = f"{split}_{number:05d}.png"
        _save(folder / split / "images" / name, image)
        instances = instance_image((image.shape[0], image.shape[1]), boxes, labels)
        classes = np.array([0, *(label + 1 for label in labels)], np.uint8)[instances]
        _save(folder / split / "masks" / name, classes)
    (folder / "classes.txt").write_text("\n".join(("background", *SHAPES)) + "\n", encoding="utf-8")


def _write_classes(folder: Path, split: str, samples: list[Sample]) -> None:
    for number, (image, boxes, labels) in enumerate(samples):
        x1, y1, x2, y2 = boxes[0]
        part = image[max(y1 - 8, 0) : y2 + 8, max(x1 - 8, 0) : x2 + 8]
        _save(folder / split / SHAPES[labels[0]] / f"{split}_{number:05d}.png", part)


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
        (labels_folder / f"{stem}.txt").write_text(
            "".join(line + "\n" for line in lines), encoding="utf-8"
        )
    names = ", ".join(SHAPES)
    (folder / "data.yaml").write_text(
        f"train: images/train\nval: images/val\nnames: [{names}]\n", encoding="utf-8"
    )
