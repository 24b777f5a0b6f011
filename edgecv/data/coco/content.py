"""What a COCO instances file says, checked entry by entry; no image is opened here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from edgecv_runtime import InputError

from ..reading.records import Corners
from ..reading.text import read_json


class Annotation(NamedTuple):
    """One object; `corners` xyxy as written, None without a `bbox`."""

    identity: str
    corners: Corners | None
    label: int
    crowd: bool
    segmentation: Any


@dataclass
class Image:
    """One entry of `images`; `size` is (H, W) as the file says."""

    name: str
    size: tuple[int, int] | None
    annotations: list[Annotation] = field(default_factory=list)


class Content(NamedTuple):
    """`labels` in the order of the categories' ids; `notes` for the report."""

    labels: list[str]
    images: list[Image]
    notes: list[str]


def read_content(path: Path) -> Content:
    """Reads the file.

    Raises:
        InputError: it is not a COCO instances file, or contradicts itself: a duplicate id,
            an unknown id, an invalid box; the message names the entry.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a COCO instances file: expected an object at the top")
    for key in ("images", "annotations", "categories"):
        entries = content.get(key)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise InputError(
                f"{path}: not a COCO instances file: expected a list {key!r} of objects"
            )
    images = _images(path, content["images"])
    notes: list[str] = []
    used = {_key(entry.get("category_id")) for entry in content["annotations"]}
    names = _categories(path, content["categories"], used, notes)
    labels = list(dict.fromkeys(names.values()))
    numbers = {name: number for number, name in enumerate(labels)}
    index = {identity: numbers[name] for identity, name in names.items()}
    for number, entry in enumerate(content["annotations"], 1):
        identity = str(entry.get("id", f"number {number}"))
        where = f"{path}: annotation {identity}"
        image = images.get(_key(entry.get("image_id")))
        if image is None:
            raise InputError(f"{where}: image_id {entry.get('image_id')!r}, which is not in images")
        label = index.get(_key(entry.get("category_id")) or "")
        if label is None:
            known = ", ".join(f"{key} {name}" for key, name in list(names.items())[:20])
            raise InputError(
                f"{where}: category_id {entry.get('category_id')!r}, which is not in categories; "
                f"there are {known}"
            )
        image.annotations.append(
            Annotation(
                identity,
                _corners(entry.get("bbox"), where),
                label,
                entry.get("iscrowd") in (1, True, "1"),
                entry.get("segmentation"),
            )
        )
    return Content(labels, list(images.values()), notes)


def _key(identity: Any) -> str | None:
    """Ids are numbers, and text in the files of some tools; 7 and "7" are the same."""
    if isinstance(identity, float) and identity.is_integer():
        identity = int(identity)
    valid = isinstance(identity, (int, str)) and not isinstance(identity, bool)
    return str(identity) if valid else None


def _images(path: Path, entries: list[dict[str, Any]]) -> dict[str | None, Image]:
    images: dict[str | None, Image] = {}
    names: dict[str, str] = {}
    for entry in entries:
        key, name = _key(entry.get("id")), entry.get("file_name")
        if key is None or not isinstance(name, str) or not name:
            raise InputError(
                f"{path}: an image has the id {entry.get('id')!r} and the file_name {name!r}; "
                "expected a number and a name"
            )
        if key in images:
            raise InputError(
                f"{path}: image id {key} is there twice, for {images[key].name} and {name}; were "
                "two files joined? Give each image an id of its own, in its annotations too"
            )
        if name in names:
            raise InputError(
                f"{path}: {name} is there twice, with the ids {names[name]} and {key}; join them, "
                "or each has only a part of the objects"
            )
        names[name] = key
        images[key] = Image(name, _size(path, entry, name))
    return images


def _size(path: Path, entry: dict[str, Any], name: str) -> tuple[int, int] | None:
    if not entry.get("height") or not entry.get("width"):
        return None
    try:
        return int(entry["height"]), int(entry["width"])
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: {name} has the size {entry['width']!r} x {entry['height']!r}; expected "
            "numbers of pixels"
        ) from error


def _categories(
    path: Path, entries: list[dict[str, Any]], used: set[str | None], notes: list[str]
) -> dict[str, str]:
    """The name for each id, in the order of the ids."""
    names: dict[str, str] = {}
    first: dict[str, str] = {}  # for each name the id that had it first
    for entry in sorted(entries, key=lambda entry: _order(entry.get("id"))):
        key, name = _key(entry.get("id")), entry.get("name")
        if key is None or not isinstance(name, (str, int)) or not str(name).strip():
            raise InputError(
                f"{path}: a category has the id {entry.get('id')!r} and the name {name!r}; "
                "expected a number and a name"
            )
        if key in names:
            raise InputError(
                f"{path}: category id {key} is there twice, as {names[key]} and {name}; give each "
                "category an id of its own"
            )
        if _is_root(entry, entries) and key not in used:
            notes.append(f"category {name!r} is the root of the others and has no object: no class")
            continue
        if (twin := first.setdefault(str(name), key)) != key:
            notes.append(f"categories {twin} and {key} are both called {name!r}: one class")
        names[key] = str(name)
    if not names:
        raise InputError(f"{path}: no categories; expected at least one with id and name")
    return names


def _order(identity: Any) -> tuple[bool, float, str]:
    key = _key(identity) or ""
    number = key.lstrip("-").isdecimal()
    return not number, float(key) if number else 0.0, key


def _is_root(entry: dict[str, Any], entries: list[dict[str, Any]]) -> bool:
    """Roboflow's exports begin with a category that is the supercategory of all others."""
    return (
        _key(entry.get("id")) == "0"
        and entry.get("supercategory") in (None, "none", "")
        and len(entries) > 1
        and all(
            other.get("supercategory") == entry.get("name")
            for other in entries
            if other is not entry
        )
    )


def _corners(bbox: Any, where: str) -> Corners | None:
    """xyxy of x, y, width, height; None without a box."""
    if bbox is None or bbox == []:
        return None
    try:
        x, y, width, height = (float(value) for value in bbox)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{where}: bbox is {str(bbox)[:60]}; expected four numbers x, y, width, height"
        ) from error
    corners = (x, y, x + width, y + height)
    if not all(math.isfinite(value) for value in corners):
        raise InputError(f"{where}: bbox {str(bbox)[:60]} is not finite; correct the file")
    return corners
