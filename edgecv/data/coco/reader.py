"""COCO folders: [annotations/]instances_*<split>*.json, Roboflow's <split>/_annotations.coco.json,
or other files with COCO's content, and the images they name."""

from __future__ import annotations

import re
from pathlib import Path

from edgecv_runtime import InputError

from ..reading.image_files import find_file
from ..reading.masks import extent
from ..reading.records import Corners, DetectionData, Labelled, RecordCollector
from ..reading.splits import divide
from .content import Annotation, Content, read_content
from .files import ROBOFLOW, annotation_file, recognises, recognises_other
from .masks import from_coco

__all__ = ["read", "recognises", "recognises_other"]
_APART = 0.25  # overlap (IoU) of a mask's extent and its box, below which they do not fit


def read(folder: Path, split: str) -> DetectionData:
    """Reads the one file of the split, or the split's share of a file for all (splits.divide).

    Labels are the categories in the order of their ids; Roboflow's root category is not a label.
    Boxes with `iscrowd` are marked `ignore`. An object without `bbox` has the extent of its mask.
    If any object has a mask (polygons or run lengths), the records have masks.

    Raises:
        InputError: no file or several files fit the split, a file is missing or broken; an image is
            there twice, or has another size than the file says.
    """
    path, shared = annotation_file(folder, split)
    content = read_content(path)
    collector = RecordCollector(split, "iscrowd")
    collector.notes += content.notes
    images = _find_images(folder, path, split, content, collector)
    chosen = {*divide(list(images.values()), split, folder)} if shared else {*images.values()}
    read_images: list[tuple[Path, str, tuple[int, int], list[Labelled]]] = []
    for entry in content.images:
        image = images[entry.name]
        if image not in chosen:
            continue
        if (size := collector.size_of(image)) is None:
            continue
        if entry.size is not None and entry.annotations:
            collector.require_size(image, size, entry.size, path)
            if entry.size != size:
                continue  # nothing fits then; `finish` says so
        found = [_object(a, size, path, entry.name, collector) for a in entry.annotations]
        read_images.append((image, entry.name, size, found))
    masks = any(one.mask is not None for *_, found in read_images for one in found)
    for image, name, size, found in read_images:
        collector.add(image, path, size, found, masks)
        if masks and (lacking := sum(one.mask is None for one in found)):
            collector.note(
                "objects without a mask, which a model of masks does not learn", name, lacking
            )
    return collector.finish(content.labels, path, str(path))


def _object(
    annotation: Annotation, size: tuple[int, int], path: Path, name: str, collector: RecordCollector
) -> Labelled:
    where = f"{path}: annotation {annotation.identity} of {name}"
    try:
        mask = from_coco(annotation.segmentation, size)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: broken segmentation: {error}") from error
    corners = annotation.corners
    if corners is None:
        if mask is None:
            raise InputError(f"{where}: no bbox, and no segmentation that would give one")
        corners = extent(mask)
        collector.note("boxes that are missing, made of their masks", name)
    elif mask is not None and _overlap(corners, extent(mask)) < _APART:
        collector.note("masks that lie elsewhere than their boxes", name)
    return Labelled(corners, annotation.label, annotation.crowd, mask)


def _overlap(box: Corners, other: Corners) -> float:
    x1, x2 = sorted((box[0], box[2]))
    y1, y2 = sorted((box[1], box[3]))
    width = min(x2, other[2]) - max(x1, other[0])
    height = min(y2, other[3]) - max(y1, other[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = (x2 - x1) * (y2 - y1) + (other[2] - other[0]) * (other[3] - other[1])
    return common / (areas - common) if areas > common else 1.0


def _find_images(
    folder: Path, path: Path, split: str, content: Content, collector: RecordCollector
) -> dict[str, Path]:
    """The file of each name. Raises InputError for those that are missing or the same."""
    own = [*reversed(path.stem.split("_")), split]  # instances_boxes_val2017 -> val2017 first
    folders = [root / name for name in own for root in (folder / "images", folder)]
    beside = [path.parent / "data", path.parent / "images", path.parent]  # data: FiftyOne's
    roots = [*folders, folder / "images", *beside, folder]
    if path.name == ROBOFLOW:
        roots = [path.parent, path.parent / "images"]
    images: dict[str, Path] = {}
    by_file: dict[Path, str] = {}
    missing = []
    for entry in content.images:
        image = find_file(roots, entry.name)
        if image is None:
            # Label Studio puts eight digits before the name of each file that is uploaded.
            base = re.split(r"[\\/]", entry.name)[-1]
            if re.match(r"[0-9a-f]{8}-.", base):
                image = find_file(roots, base[9:])
            if image is not None:
                collector.note("names found without the digits before them", entry.name)
        if image is None:
            missing.append(entry.name)
        elif image in by_file:
            raise InputError(
                f"{path}: {by_file[image]} and {entry.name} are one file, {image}; each image is "
                "expected once, with all its annotations"
            )
        else:
            images[entry.name] = image
            by_file[image] = entry.name
    if missing:
        if len(missing) == len(content.images):
            tried = ", ".join(str(root) for root in dict.fromkeys(roots))
            raise InputError(f"{path}: image {missing[0]} not found in {tried}, nor any other")
        raise InputError(
            f"{path}: {len(missing)} images of {len(content.images)} are missing, the first is "
            f"{missing[0]}: bring them, or take them out of the file"
        )
    return images
