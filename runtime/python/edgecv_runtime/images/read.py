"""Images from files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.images.limits import MAX_SIDE, check_header, read_file
from edgecv_runtime.one_line import brief
from edgecv_runtime.opencv import import_cv2

if TYPE_CHECKING:
    from edgecv_runtime.images.headers import ImageHeader


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Decodes an image file.

    Args:
        path: a file in any format that OpenCV reads. Of an animation the first frame is taken.

    Returns:
        uint8 [H, W, 3], BGR, turned upright as the file's orientation (EXIF, else XMP) says. Grey
        and palette images become BGR, an alpha channel is dropped (the colours below it stay as
        stored), 16-bit samples v become round(v / 257), CMYK is converted without colour profile.

    Raises:
        InputError: the file is missing, empty, truncated, broken, in an unknown format, of floats,
            or has more than 2^28 pixels (half as many of 16 bits), a side above 65535 or more than
            100 scans (JPEG); the message names it.
        EngineError: OpenCV is not installed.
    """
    path = Path(path)
    data = read_file(path)
    if not data:
        raise InputError(f"{path}: the file is empty, an image was expected")
    cv2 = import_cv2()

    from edgecv_runtime.images.headers import read_header  # needed with files only

    header = read_header(data)
    if header.truncated:
        raise InputError(f"{path}: the image is truncated or broken: copy or download it again")
    check_header(header, path)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise InputError(f"{path}: cannot be decoded: {brief(error)}") from error
    if image is None:
        raise InputError(
            f"{path}: cannot be decoded: it is broken, or no image of a kind that "
            f"OpenCV {cv2.__version__} reads"
        )
    if max(image.shape[:2]) > MAX_SIDE:
        raise InputError(
            f"{path}: {image.shape[1]} x {image.shape[0]} pixels, sides of at most {MAX_SIDE} are "
            "expected: cut the image into parts"
        )
    return _upright(_to_uint8(image, header, path), header.orientation)


def _to_uint8(image: NDArray[Any], header: ImageHeader, path: Path) -> NDArray[np.uint8]:
    # The decoder hands PNM samples on as stored, whatever the file calls white.
    white = header.max_value or {np.uint8: 255, np.uint16: 65535}.get(image.dtype.type)
    if white is None:
        raise InputError(
            f"{path}: samples of type {image.dtype} have no defined range: "
            "convert the image to 8 or 16 bit"
        )
    if white == 255 and image.dtype == np.uint8:
        return image
    levels = (np.arange(white + 1, dtype=np.uint32) * 255 + white // 2) // white
    reduced: NDArray[np.uint8] = levels.astype(np.uint8)[np.minimum(image, white)]
    return reduced


def _upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    # EXIF 2.3, tag 274: 5 to 8 are stored with rows and columns exchanged.
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
