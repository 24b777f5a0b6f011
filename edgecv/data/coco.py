"""COCO folders: [annotations/]instances_*<split>*.json and the images they name."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from edgecv_runtime import InputError

from .masks import RunLengths, from_coco
from .records import DetectionData, RecordCollector


def recognises(folder: Path) -> bool:
    return bool(_instances(folder))


def read(folder: Path, split: str) -> DetectionData:
    """Reads the one file instances_*<split>*.json.

    Labels are the categories in the order of their ids. Boxes with `iscrowd` are marked `ignore`.
    An image has masks if each of its annotations has a segmentation (polygons or run lengths).

    Raises:
        InputError: no file or several files fit the split, a file is missing or broken.
    """
    path = _annotation_file(folder, split)
    content = _load(path)
    try:
        categories = sorted(content["categories"], key=lambda category: category["id"])
        index = {category["id"]: i for i, category in enumerate(categories)}
        labels = [str(category["name"]) for category in categories]
        boxes_of: dict[Any, list[tuple[tuple[float, float, float, float], int, bool, Any]]]
        boxes_of = defaultdict(list)
        for annotation in content["annotations"]:
            x, y, width, height = (float(value) for value in annotation["bbox"])
            boxes_of[annotation["image_id"]].append(
                (
                    (x, y, x + width, y + height),
                    index[annotation["category_id"]],
                    bool(annotation.get("iscrowd", 0)),
                    annotation.get("segmentation"),
                )
            )
        images = [(entry["id"], str(entry["file_name"])) for entry in content["images"]]
        sizes = {e["id"]: (e["height"], e["width"]) for e in content["images"] if "height" in e}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a COCO instances file: {type(error).__name__} {error}"
        ) from error
    unknown = boxes_of.keys() - {image_id for image_id, _ in images}
    if unknown:
        raise InputError(
            f"{path}: annotations for image_id {min(unknown)}, which is no image there"
        )

    collector = RecordCollector()
    root = _image_root(folder, path, [name for _, name in images])
    for image_id, name in images:
        entries = boxes_of[image_id]
        collector.add(
            root / name,
            path,
            [box for box, _, _, _ in entries],
            [label for _, label, _, _ in entries],
            [crowd for _, _, crowd, _ in entries],
            _masks([entry[3] for entry in entries], sizes.get(image_id), f"{path}: {name}"),
        )
    return collector.finish(labels, path)


def _masks(
    segmentations: list[Any], size: tuple[int, int] | None, where: str
) -> list[RunLengths] | None:
    if size is None or not all(segmentations):
        return None
    try:
        return [from_coco(segmentation, size) for segmentation in segmentations]
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: broken segmentation: {error}") from error


def _instances(folder: Path) -> list[Path]:
    return sorted([*folder.glob("instances_*.json"), *folder.glob("annotations/instances_*.json")])


def _annotation_file(folder: Path, split: str) -> Path:
    found = [p for p in _instances(folder) if split in p.stem.removeprefix("instances_")]
    if len(found) == 1:
        return found[0]
    if not found:
        present = ", ".join(p.name for p in _instances(folder))
        raise InputError(f"{folder}: no instances_*{split}*.json; there are {present}")
    raise InputError(
        f"{folder}: several files fit the split {split!r}: {', '.join(p.name for p in found)}; "
        f"name it more closely, such as {found[0].stem.removeprefix('instances_')!r}"
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: broken JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a COCO instances file: expected an object at the top")
    return content


def _image_root(folder: Path, annotations: Path, names: list[str]) -> Path:
    split = annotations.stem.rsplit("_", 1)[-1]  # instances_val2017 -> val2017
    roots = [folder / "images" / split, folder / split, folder / "images", folder]
    for root in roots:
        if names and (root / names[0]).is_file():
            break
    else:
        tried = ", ".join(str(root) for root in roots)
        raise InputError(f"{annotations}: image {(names or ['(none)'])[0]} not found in {tried}")
    missing = [name for name in names if not (root / name).is_file()]
    if missing:
        raise InputError(
            f"{root}: {len(missing)} images of {annotations.name} are missing, "
            f"the first is {missing[0]}"
        )
    return root
