"""Opens OpenCV's readers: paths of any bytes, deadlines, upright frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.files.whole import temporary_folder
from edgecv_runtime.one_line import joined
from edgecv_runtime.opencv import import_cv2, opencv_has
from edgecv_runtime.sources.addresses import shown_address

SILENCE_MS = 10_000  # a stream that sends nothing for so long has gone

# OpenCV gives up a video after so many packets of sound between two frames.
_READ_ATTEMPTS = ("OPENCV_FFMPEG_READ_ATTEMPTS", str(1 << 20))


def open_file(path: str, parameters: list[int] | None = None) -> Any:
    """A VideoCapture on a file; it may be closed: ask isOpened()."""
    cv2 = import_cv2()
    os.environ.setdefault(*_READ_ATTEMPTS)
    with name_for_opencv(path) as name:
        if parameters is not None:
            return cv2.VideoCapture(name, cv2.CAP_FFMPEG, parameters)
        return cv2.VideoCapture(name, cv2.CAP_ANY)


def open_live(target: str | int, gstreamer: bool, silence_ms: int = SILENCE_MS) -> Any:
    """A VideoCapture on a camera's number, an address or a pipeline."""
    cv2 = import_cv2()
    os.environ.setdefault(*_READ_ATTEMPTS)
    if gstreamer:
        return cv2.VideoCapture(target, cv2.CAP_GSTREAMER)
    if isinstance(target, str) and opencv_has("FFMPEG"):
        deadlines = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, silence_ms]
        deadlines += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, silence_ms]
        return cv2.VideoCapture(target, cv2.CAP_FFMPEG, deadlines)
    return cv2.VideoCapture(target, cv2.CAP_ANY)


def opened(capture: Any, name: str, advice: str) -> Any:
    """The capture, if it is open. Raises InputError."""
    if not capture.isOpened():
        capture.release()
        raise InputError(f"{name}: cannot be opened: {advice}")
    return capture


@contextmanager
def name_for_opencv(path: str | os.PathLike[str]) -> Iterator[str]:
    """A name under which OpenCV opens the file while the block runs.

    It is absolute, for FFmpeg takes "a:b.mp4" for an address. OpenCV ends the process on a name
    that is not UTF-8 (from old archives, say), so such a file gets another name for a moment.
    """
    absolute = os.path.abspath(path)
    try:
        absolute.encode("utf-8")
    except UnicodeEncodeError:
        with temporary_folder() as folder:
            suffix = Path(absolute).suffix
            link = folder / ("video" + (suffix if suffix.isascii() else ""))
            link.symlink_to(absolute)
            yield str(link)
    else:
        yield absolute


def codec_of(capture: Any) -> str:
    """The codec's four letters, such as "h264" or "MJPG"; empty if it has none."""
    code = int(capture.get(import_cv2().CAP_PROP_FOURCC)) & 0xFFFFFFFF
    text = code.to_bytes(4, "little").decode("latin-1").strip("\0 ")
    return text if text.isprintable() else ""


def take_over_turning(capture: Any) -> int:
    """Stops OpenCV from turning frames, where it does (4.11 does not), and says by how many degrees
    clockwise they are to be turned to stand upright: 0, 90, 180 or 270."""
    cv2 = import_cv2()
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    if capture.get(cv2.CAP_PROP_ORIENTATION_AUTO) > 0:
        return 0
    return int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360


def turned(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """The image turned clockwise by 0, 90, 180 or 270 degrees; by other angles as it is."""
    if degrees == 0:
        return image
    cv2 = import_cv2()
    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    upright: NDArray[np.uint8] = cv2.rotate(image, codes[degrees]) if degrees in codes else image
    return upright


def three_channels(image: Any) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] of what a reader gave, monochrome cameras included."""
    frame: NDArray[np.uint8] = np.asarray(image)
    if frame.ndim == 2:
        frame = np.repeat(frame[:, :, None], 3, axis=2)
    return frame


def reason(error: Exception) -> str:
    """In one line, without passwords."""
    return shown_address(joined(error))
