"""How large an image may be, before it is decoded and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgecv_runtime._core import InputError

if TYPE_CHECKING:
    from edgecv_runtime.images.headers import ImageHeader

MAX_PIXELS = 1 << 28  # 268 megapixels, 0.8 GB decoded: more is an accident or an attack
MAX_BYTES = 3 * MAX_PIXELS  # decoded, in three channels: of 16 bits there are half as many pixels
MAX_SCANS = 100  # of a JPEG; each takes as long as the whole image, and cameras write 10
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
    if header.scans > MAX_SCANS:
        raise InputError(
            f"{path}: a JPEG of {header.scans} scans, {MAX_SCANS} at most are expected: save it "
            "again"
        )
