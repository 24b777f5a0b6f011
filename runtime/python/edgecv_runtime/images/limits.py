"""How large an image may be, before it is decoded and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgecv_runtime._core import InputError
from edgecv_runtime.files.regular import check_regular

if TYPE_CHECKING:
    from edgecv_runtime.images.headers import ImageHeader

MAX_PIXELS = 1 << 28  # 268 megapixels, 0.8 GB decoded: more is an accident or an attack
MAX_BYTES = 3 * MAX_PIXELS  # decoded, in three channels: of 16 bits there are half as many pixels
MAX_SCANS = 100  # of a JPEG; each takes as long as the whole image, and cameras write 10
MAX_SCANNED = 16 * MAX_PIXELS  # pixels times scans
MAX_FILE = 2 << 30  # bytes: decoded, an image has less
MAX_SIDE = 65535


def check_header(header: ImageHeader, path: Path) -> None:
    """Raises InputError for what is not to be decoded: another format, or too much of it."""
    if not header.known or header.size is None:
        what = "cannot be decoded: " + ("another format" if not header.known else "without a size")
        raise InputError(
            f"{path}: {what}; expected JPEG, PNG, WebP, GIF, BMP, TIFF, PNM, JPEG 2000 or AVIF"
        )
    height, width = header.size
    limit = MAX_PIXELS // header.sample_bytes
    if height * width > limit:
        raise InputError(
            f"{path}: {width} x {height} pixels are more than the limit of {limit}: "
            "cut the image into parts"
        )
    most = min(MAX_SCANS, MAX_SCANNED // max(1, height * width))
    if header.scans > most:
        raise InputError(
            f"{path}: a JPEG of {header.scans} scans, {most} at most are expected: save it again"
        )


def check_file(path: Path) -> None:
    """Raises InputError for what is no file, or is larger than any image."""
    check_regular(path)
    try:
        size = path.stat().st_size
    except (OSError, ValueError):  # reported by whoever reads it
        return
    if size > MAX_FILE:
        raise InputError(
            f"{path}: {size:,} bytes, expected an image of at most {MAX_FILE:,}: cut it into parts"
        )


def read_file(path: Path) -> bytes:
    """The bytes of an image file. Raises InputError as `check_file`, and if it cannot be read."""
    check_file(path)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {reason}") from error
