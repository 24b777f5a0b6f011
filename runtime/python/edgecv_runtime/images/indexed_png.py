"""PNG files with a palette, which OpenCV does not write: numbers and colours."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def encode_indexed_png(indices: NDArray[np.uint8], colors: Sequence[tuple[int, int, int]]) -> bytes:
    """The bytes of a PNG file of colour type 3 (PNG 1.2, section 4.1.2).

    Args:
        indices: uint8 [H, W]; each is a place in `colors`.
        colors: 1 to 256 colours as B, G, R.
    """
    height, width = indices.shape
    palette = bytes(value for color in colors for value in color[::-1])
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: 0, none
    rows[:, 1:] = indices
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
