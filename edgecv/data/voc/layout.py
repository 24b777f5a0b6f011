"""Where the annotations of Pascal VOC and their images lie, as tools write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from edgecv_runtime import InputError
from edgecv_runtime.files.regular import check_regular

from ..reading.image_files import folders_in, is_image

_ANNOTATIONS = ("annotations", "labels", "")  # in any case; "": the folder itself
_IMAGES = ("jpegimages", "images", "data", "")
_BEGINNING = 4096  # bytes of a file that hold its first element


class Place(NamedTuple):
    """The folders of a data set, or of one split of it."""

    annotations: Path
    images: Path


def has_lists(folder: Path) -> bool:
    """Whether ImageSets/Main says which images belong to a split."""
    return (folder / "Annotations").is_dir() and (folder / "ImageSets" / "Main").is_dir()


def find_place(folder: Path) -> Place | None:
    """Annotations/ with JPEGImages/ or images/ (Label Studio), labels/ with data/ (FiftyOne), or
    both in the folder itself (LabelImg); None where there are no annotations of Pascal VOC."""
    annotations = _first(folder, _ANNOTATIONS, lambda path: path.suffix.lower() == ".xml")
    images = _first(folder, _IMAGES, is_image)
    if annotations is None or images is None:
        return None
    one = next(iter(xml_files(annotations)), None)
    return Place(annotations, images) if one is not None and _is_voc(one) else None


def split_places(folder: Path) -> dict[str, Place]:
    """The place of each folder in this one, such as Roboflow's train/ and valid/."""
    places = {path.name: find_place(path) for path in folders_in(folder) if not has_lists(path)}
    return {name: place for name, place in places.items() if place is not None}


def xml_files(folder: Path) -> list[Path]:
    """Sorted, those in folders below too, which CVAT keeps; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() == ".xml"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def key(path: Path, root: Path) -> str:
    """What an annotation and its image have in common: the path without its suffix."""
    return path.relative_to(root).with_suffix("").as_posix()


def _first(folder: Path, names: tuple[str, ...], wanted: Callable[[Path], bool]) -> Path | None:
    present = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    for name in names:
        place = present.get(name) if name else folder
        if place is not None and any(
            wanted(path) and not path.name.startswith(".") for path in place.iterdir()
        ):
            return place
    return None


def _is_voc(path: Path) -> bool:
    check_regular(path)
    try:
        with path.open("rb") as file:
            start = file.read(_BEGINNING)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return b"<annotation" in start.replace(b"\0", b"") and b"<annotations" not in start
