"""Image files in folders: their names and their sizes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgecv_runtime import InputError, read_image
from edgecv_runtime.images.headers import ImageHeader, read_header
from edgecv_runtime.images.limits import check_file
from edgecv_runtime.sources import IMAGE_SUFFIXES

from .split_report import shortened

# Of images that phones, cameras and designers make, and OpenCV does not read.
UNREAD_SUFFIXES = frozenset(
    {".heic", ".heif", ".jxl", ".dng", ".cr2", ".nef", ".arw", ".raw", ".psd", ".tga", ".svg"}
)
_HEADS = (1 << 12, 1 << 16)  # bytes that hold the size of most JPEGs, of those with a preview
LONGEST_PATH = 4096  # letters, as on Linux; each folder of a longer one would be looked for
_SEEN = 20_000  # files that `contents` looks at, at most


def folders_in(place: Path) -> list[Path]:
    """The folders right in a folder, sorted; hidden ones and those that macOS adds to archives are
    left out."""
    return sorted(
        path
        for path in place.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name != "__MACOSX"
    )


def list_images(place: Path) -> list[Path]:
    """The image files right in a folder, sorted."""
    return sorted(path for path in place.iterdir() if is_image(path))


def images_below(place: Path) -> list[Path]:
    """The image files in a folder and in those below it, sorted; hidden folders are left out, such
    as the copies of .ipynb_checkpoints."""
    return sorted(
        path
        for path in place.rglob("*")
        if is_image(path)
        and not any(part.startswith(".") for part in path.relative_to(place).parts)
    )


def require_distinct_names(images: Sequence[Path]) -> None:
    """Raises InputError if two images of a folder differ in their suffix only: labels belong to a
    name without one."""
    seen: dict[Path, Path] = {}
    for image in images:
        if seen.setdefault(image.with_suffix(""), image) != image:
            other = seen[image.with_suffix("")]
            raise InputError(
                f"{image}: {other.name} is beside it, and labels of {image.stem} belong to one "
                "image; rename or remove the other"
            )


def is_image(path: Path) -> bool:
    """By its suffix. Files of macOS such as ._a.jpg are not images."""
    suffix = path.suffix.lower()
    return (suffix in IMAGE_SUFFIXES or suffix == ".jfif") and not path.name.startswith(".")


def unread_beside(images: Sequence[Path]) -> list[str]:
    """A line about images in other formats that lie beside these; no line without any."""
    found = Counter(
        path.suffix.lower()
        for folder in {image.parent for image in images}
        for path in folder.iterdir()
        if path.suffix.lower() in UNREAD_SUFFIXES and not path.name.startswith(".")
    )
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(found.items()))
    return [f"images in formats that are not read, left out: {kinds}"] if found else []


def upright_size(image: Path) -> tuple[int, int]:
    """(H, W) in pixels as the image is shown and decoded, from its header where that says it.

    Raises:
        InputError: the file is missing, empty, truncated or no image; the message names it.
    """
    header = stored_header(image)
    if header.size is None:  # a format whose header is not read here
        shape = read_image(image).shape
        return shape[0], shape[1]
    height, width = header.size
    return (width, height) if header.orientation >= 5 else (height, width)


def stored_header(image: Path) -> ImageHeader:
    """Size and orientation as stored. Raises InputError as `upright_size`."""
    check_file(image)
    try:
        with image.open("rb") as file:
            data = b""
            for length in _HEADS:
                data += file.read(length - len(data))
                header = _jpeg_of_head(data)
                if header is not None:
                    file.seek(-2, 2)
                    if file.read() == b"\xff\xd9":  # the end of the image: nothing is missing
                        return header
                    file.seek(len(data))
                    break
            data += file.read()
    except OSError as error:
        raise InputError(f"{image}: cannot be read: {error.strerror or error}") from error
    if not data:
        raise InputError(f"{image}: the file is empty, an image was expected")
    header = read_header(data)
    if header.truncated:
        raise InputError(f"{image}: the image is truncated or broken: copy or download it again")
    return header


def _jpeg_of_head(head: bytes) -> ImageHeader | None:
    """What the first bytes of a JPEG say; None for others and where they say nothing."""
    if not head.startswith(b"\xff\xd8"):
        return None
    header = read_header(head)
    return None if header.size is None else replace(header, truncated=False)


def find_file(roots: Sequence[Path], name: str) -> Path | None:
    """The file that a list or a data file names, below one of the folders.

    The name may be written with Windows' separators, and with folders of another machine before it:
    then the longest end of it counts that leads to a file.
    """
    if not name or "\0" in name or len(name) > LONGEST_PATH:
        return None
    for root in roots:
        if (root / name).is_file():
            return root / name
    parts = [part for part in re.split(r"[\\/]+", name) if part not in ("", ".", "..")]
    for start in range(len(parts)):
        for root in roots:
            if (candidate := root.joinpath(*parts[start:])).is_file():
                return candidate
    return None


def contents(folder: Path, most: int = 6) -> str:
    """What lies in a folder and below, for a message: `labels/train (24 .txt), images (3 .jpg)`."""
    if not folder.is_dir():
        return "no such folder"
    found: Counter[tuple[str, str]] = Counter()
    for number, path in enumerate(folder.rglob("*")):
        if number == _SEEN:
            break
        if path.is_file() and not path.name.startswith("."):
            place = path.parent.relative_to(folder).as_posix()
            found["" if place == "." else place, path.suffix or path.name] += 1
    if not found:
        return "no files"
    parts = [
        f"{place or '.'} ({count} {suffix})" for (place, suffix), count in sorted(found.items())
    ]
    return shortened(parts, most)
