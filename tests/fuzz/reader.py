"""What a fuzzer needs of a reader of files from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np


@dataclass(frozen=True)
class Reader:
    """`read` gets a folder with the file in it, under its name."""

    name: str  # of the file
    seeds: list[bytes]  # small right files to begin with
    read: Callable[[Path], object]


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Writes what is read beside the fuzzed file."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def image(suffix: str, bits: int = 8) -> bytes:
    """A gradient of 80 x 72 pixels."""
    gradient = np.arange(72 * 80 * 3, dtype=np.uint32).reshape(72, 80, 3)
    pixels = (gradient * 50 % 65536).astype(np.uint16) if bits == 16 else gradient.astype(np.uint8)
    return encoded(suffix, pixels)


def encoded(suffix: str, pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return bytes(data)
