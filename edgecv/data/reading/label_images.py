"""PNG files whose pixels are numbers: of objects, or of classes."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError
from edgecv_runtime.images.headers import read_header
from edgecv_runtime.images.limits import check_header, read_file
from edgecv_runtime.opencv import import_cv2

_PNG = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3  # colour types of a PNG


def mask_of(image: Path, masks: Path) -> Path:
    """masks/name.png or masks/name_mask.png. Raises InputError if both are missing."""
    for name in (f"{image.stem}.png", f"{image.stem}_mask.png", f"{image.stem}.PNG"):
        if (masks / name).is_file():
            return masks / name
    if not masks.is_dir():
        raise InputError(f"{masks}: no such folder; expected the masks, such as {image.stem}.png")
    others = sorted(path.name for path in masks.iterdir() if path.stem.startswith(image.stem))
    there = f"; there is {others[0]}" if others else ""
    raise InputError(f"{masks}: no mask for {image.name}; expected {image.stem}.png{there}")


def is_palette(path: Path) -> bool:
    """Whether a PNG's numbers are indices of colours."""
    with path.open("rb") as file:
        start = file.read(26)
    return start.startswith(_PNG) and start[25:] == bytes([_PALETTE])


def read_numbers(path: Path, meaning: str) -> NDArray[np.uint16]:
    """uint16 [H, W] of a PNG with one channel, or with channels that are all the same.

    Of a palette the indices are read, of 1, 2 or 4 bits for each pixel the numbers as stored.

    Raises InputError for any other file; `meaning` says in its message what the numbers are.
    """
    cv2 = import_cv2()
    data = read_file(path)
    if data.startswith(b"\xff\xd8"):
        raise InputError(
            f"{path}: a JPEG, which does not keep numbers; expected a PNG with {meaning}"
        )
    header = read_header(data)
    if header.truncated:
        raise InputError(f"{path}: truncated or broken; expected a PNG with {meaning}")
    check_header(header, path)
    data, scale = _as_grey(data)
    try:
        numbers = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        numbers = None
    if numbers is None:
        raise InputError(f"{path}: cannot be decoded; expected a PNG of numbers")
    if numbers.ndim == 3 and (numbers[:, :, :3] == numbers[:, :, :1]).all():
        numbers = numbers[:, :, 0]  # grey, written as colour
    if numbers.ndim != 2 or numbers.dtype not in (np.uint8, np.uint16):
        channels = numbers.shape[2] if numbers.ndim == 3 else 1
        raise InputError(
            f"{path}: {channels} channels of {numbers.dtype}{_colours(numbers)}; expected one "
            f"channel of 8 or 16 bits with {meaning}, or a palette with such indices"
        )
    return numbers.astype(np.uint16) // scale


def _as_grey(png: bytes) -> tuple[bytes, int]:
    """The file as a grey one, and the divisor of its decoded values.

    The decoder makes colours of a palette's indices; of grey values it makes none. Grey values of
    less than 8 bits it stretches to 0..255.
    """
    if not png.startswith(_PNG) or len(png) < 33:
        return png, 1
    bits, colour_type = png[24], png[25]
    if colour_type not in (_GREY, _PALETTE) or bits not in (1, 2, 4, 8):
        return png, 1
    header = png[12:25] + bytes([_GREY]) + png[26:29]
    parts = [png[:12], header, struct.pack(">I", zlib.crc32(header))]
    position = 33
    while position + 12 <= len(png):
        length = int.from_bytes(png[position : position + 4], "big")
        end = position + 12 + length
        # Colours and transparency belong to the palette; gamma and background change no number.
        if png[position + 4 : position + 8] in (b"IDAT", b"IEND"):
            parts.append(png[position:end])
        position = end
    return b"".join(parts), 255 // ((1 << bits) - 1)


def _colours(numbers: NDArray[np.uint8]) -> str:
    """The first colours, for a message."""
    if numbers.ndim != 3 or numbers.shape[2] < 3:
        return ""
    found = np.unique(numbers[:, :, 2::-1].reshape(-1, 3), axis=0)
    shown = ", ".join(str(tuple(int(v) for v in colour)) for colour in found[:4])
    return f", {len(found)} colours such as {shown} (r, g, b)"


def require_same_size(
    path: Path, numbers: NDArray[np.uint16], image: Path, size: tuple[int, int]
) -> None:
    """Raises InputError unless the numbers cover the upright image of `size` (H, W)."""
    height, width = size
    if numbers.shape != (height, width):
        raise InputError(
            f"{path}: {numbers.shape[1]} x {numbers.shape[0]} pixels, its image {image.name} has "
            f"{width} x {height}; a mask covers the upright image"
        )
