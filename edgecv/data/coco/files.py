"""Which files of a folder are COCO's, and which of them is a split's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from edgecv_runtime import InputError

from ..reading.image_files import folders_in
from ..reading.splits import aliases, mentions_split, named_split
from ..reading.text import MAX_JSON, read_limited

ROBOFLOW = "_annotations.coco.json"
_MOST = 20  # JSON files of one folder; more are LabelMe's, one for each image
_LISTS = tuple(
    re.compile(rb'"%s"\s*:\s*\[' % name) for name in (b"images", b"annotations", b"categories")
)


class Choice(NamedTuple):
    """path: the file to read; shared: whether train and val are both in it."""

    path: Path
    shared: bool


def recognises(folder: Path) -> bool:
    return bool(_instances(folder) or _roboflow(folder))


def recognises_other(folder: Path) -> bool:
    """Whether there are files of other names with COCO's content."""
    return bool(_named(folder))


def annotation_file(folder: Path, split: str) -> Choice:
    """The file of the split: the one that is called so or whose name holds it, in any case. A
    single one whose name says nothing of splits (labels.json, instances_default.json) is shared.

    Raises:
        InputError: no file or several files fit the split.
    """
    folders = [path.parent.name for path in folder.glob(f"*/{ROBOFLOW}")]
    if (own := named_split(folders, split)) is not None:
        return Choice(folder / own / ROBOFLOW, False)
    names = _named(folder)
    for name in aliases(split):
        exact = [path for path, own in names.items() if own.lower() == name.lower()]
        # `train` is in train2017 and boxes_train, and not in trainval.
        part = re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z])", re.I)
        found = exact or [path for path, own in names.items() if part.search(own)]
        if len(found) == 1:
            return Choice(found[0], False)
        if found:
            files = ", ".join(str(path.relative_to(folder)) for path in found)
            options = " or ".join(dict.fromkeys(repr(names[path]) for path in found))
            raise InputError(
                f"{folder}: several files fit the split {split!r}: {files}; name it more closely, "
                f"such as {options}, or keep one of them"
            )
    if len(names) == 1 and split in ("train", "val"):
        ((path, name),) = names.items()
        if not mentions_split(name):
            return Choice(path, True)
    present = [str(p.relative_to(folder)) for p in (*names, *_roboflow(folder))]
    raise InputError(
        f"{folder}: no instances_*{split}*.json; there are {', '.join(present)}: "
        "name the split after one of them (`split`), such as "
        f"{next(iter(names.values()), 'train')!r}"
    )


def _named(folder: Path) -> dict[Path, str]:
    """The files, and what of their names may be a split's."""
    if instances := _instances(folder):  # as COCO itself has them, beside captions and keypoints
        return {path: path.stem.removeprefix("instances_") for path in instances}
    here = [*_json(folder), *_json(folder / "annotations")]
    found = {path: path.stem for path in here if _is_coco(path)}
    if not found:  # FiftyOne's train/labels.json
        for place in folders_in(folder):
            files = [path for path in _json(place) if path.name != ROBOFLOW and _is_coco(path)]
            found |= {path: place.name if len(files) == 1 else path.stem for path in files}
    return found


def _instances(folder: Path) -> list[Path]:
    return sorted([*folder.glob("instances_*.json"), *folder.glob("annotations/instances_*.json")])


def _roboflow(folder: Path) -> list[Path]:
    return sorted([*folder.glob(ROBOFLOW), *folder.glob(f"*/{ROBOFLOW}")])


def _json(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    return files if len(files) <= _MOST else []


def _is_coco(path: Path) -> bool:
    """Whether it has COCO's three lists, and is not panoptic, whose objects are in PNG files."""
    data = read_limited(path, MAX_JSON)
    if b"\0" in data[:64]:  # UTF-16
        data = data.replace(b"\0", b"")
    return all(part.search(data) for part in _LISTS) and b'"segments_info"' not in data
