"""Image files as a source, and the suffixes by which they are known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgecv_runtime._core import InputError
from edgecv_runtime.images.read import read_image
from edgecv_runtime.sources.frames import Failure, Frame

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm"}
    | {".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)


@dataclass(frozen=True)
class Images:
    """Image files, in the order in which they are read."""

    paths: tuple[Path, ...]
    root: Path  # the folder that holds all of them

    def __iter__(self) -> Iterator[Frame | Failure]:
        for index, path in enumerate(self.paths):
            try:
                yield Frame(str(path), read_image(path), index)
            except InputError as error:
                yield Failure(str(path), error, index)


def natural_key(path: Path) -> list[tuple[int, str]]:
    """Sort key that compares numbers inside names by value."""
    pieces = re.split(r"(\d+)", str(path))
    # Odd pieces are digits: their count orders them by value, the digits decide among equals.
    keyed = []
    for at, piece in enumerate(pieces):
        if at % 2:
            digits = piece.lstrip("0")
            keyed.append((len(digits), digits))
        else:
            keyed.append((0, piece.casefold()))
    return [*keyed, (0, str(path))]
