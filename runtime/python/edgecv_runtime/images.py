"""Pictures from files, and the check of pictures from callers."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.one_line import brief
from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.other_images import advice_for

if TYPE_CHECKING:
    from edgecv_runtime.image_headers import ImageHeader

MAX_PIXELS = 1 << 28  # 268 megapixels, 0.8 GB decoded: more is an accident or an attack
MAX_BYTES = 3 * MAX_PIXELS  # decoded, in three channels: of 16 bits there are half as many pixels
MAX_SCANS = 100  # of a JPEG; each takes as long as the whole image, and cameras write 10
MAX_SIDE = 65535


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Decodes an image file.

    Args:
        path: a file in any format that OpenCV reads. Of an animation the first frame is taken.

    Returns:
        uint8 [H, W, 3], BGR, turned upright as the file's orientation (EXIF, else XMP) says. Grey
        and palette pictures become BGR, an alpha channel is dropped (the colours below it stay as
        stored), 16-bit samples v become round(v / 257), CMYK is converted without colour profile.

    Raises:
        InputError: the file is missing, empty, truncated, broken, in an unknown format, of floats,
            or has more than 2^28 pixels (half as many of 16 bits), a side above 65535 or more than
            100 scans (JPEG); the message names it.
        EngineError: OpenCV is not installed.
    """
    path = Path(path)
    check_regular(path)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {reason}") from error
    if not data:
        raise InputError(f"{path}: the file is empty, an image was expected")
    cv2 = import_cv2()

    from edgecv_runtime.image_headers import read_header  # needed with files only

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


def check_regular(path: Path) -> None:
    """Raises InputError for a pipe, socket or device: reading it could wait for ever."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # reported by whoever reads it
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    kinds = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))
    kind = next((word for is_it, word in kinds if is_it(mode)), "device")
    advice = "v4l2:///dev/videoN reads a camera" if kind == "device" else "write it to a file first"
    raise InputError(f"{path}: is a {kind}, a file was expected: {advice}")


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


def check_image(image: Any) -> NDArray[np.uint8]:
    """Checks a picture that a caller gives.

    Args:
        image: uint8 [H, W, 3], [H, W, 4], [H, W] or [H, W, 1] with sides of 1 to 65535 pixels.

    Returns:
        The same pixels with every row dense in memory, [H, W, 3], [H, W, 4] or [H, W]. Rows may lie
        any distance apart (a crop is taken as it is); other layouts are copied.

    Raises:
        InputError: it is no such array; the message says what it is and how to make one.
    """
    expected = "an image is a uint8 NumPy array [H, W, 3], a Pillow image or a path"
    if not isinstance(image, np.ndarray):
        kind = type(image)
        name = (
            kind.__qualname__
            if kind.__module__ == "builtins"
            else f"{kind.__module__}.{kind.__qualname__}"
        )
        raise InputError(f"{expected}, got {name}: {advice_for(image)}")
    _check_shape(image, expected)
    if image.dtype != np.uint8:
        hint = (
            "scale it to 0..255 and convert it with .astype(numpy.uint8)"
            if image.dtype.kind == "f"
            else "convert it to 8 bit"
        )
        raise InputError(f"{expected}, got dtype {image.dtype}: {hint}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    return image if _rows_are_dense(image) else np.ascontiguousarray(image)


def _check_shape(image: NDArray[Any], expected: str) -> None:
    shape = list(image.shape)
    if image.ndim not in (2, 3):
        hint = ": give the images of a batch as a list" if image.ndim == 4 else ""
        raise InputError(f"{expected}, got shape {shape}{hint}")
    if image.ndim == 3 and shape[2] not in (1, 3, 4):
        if shape[0] in (1, 3, 4):
            raise InputError(
                f"{expected}, got [C, H, W] = {shape}: move the channels to the end with "
                "image.transpose(1, 2, 0)"
            )
        raise InputError(f"{expected}, got shape {shape}: a picture has 1, 3 or 4 channels")
    if 0 in shape:
        raise InputError(f"{expected}, got the empty shape {shape}")
    if image.size > MAX_BYTES:
        raise InputError(f"{expected} of at most {MAX_BYTES} bytes, got shape {shape}")
    if max(shape[:2]) > MAX_SIDE:
        raise InputError(f"{expected} with sides of at most {MAX_SIDE}, got shape {shape}")


def _rows_are_dense(image: NDArray[np.uint8]) -> bool:
    row = image[0]
    apart = image.shape[0] == 1 or image.strides[0] >= row.nbytes
    return bool(row.flags.c_contiguous and apart)
