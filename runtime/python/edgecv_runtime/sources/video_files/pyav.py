"""PyAV, where it is installed: reads the video files that OpenCV cannot convert or decode."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.sources.capture import reason, turned


def pyav_is_here() -> bool:
    return importlib.util.find_spec("av") is not None


def read_with_pyav(
    path: str, name: str, skip: int
) -> Iterator[tuple[NDArray[np.uint8], float | None] | None]:
    """Frames of a video file, in the order in which they are shown.

    Args:
        path: of the file.
        name: of the file, for messages.
        skip: how many frames are left out at the start.

    Returns:
        An iterator of (uint8 [H, W, 3] BGR, upright and in its own size; milliseconds since the
        start of the stream, or None). Interlaced frames have both fields woven together. None
        alone stands where something cannot be decoded; what can be follows.

    Raises:
        InputError: the file is broken, or not of a kind that PyAV reads.
    """
    import av

    try:
        # An open file, for a name may have bytes that are not UTF-8.
        with open(path, "rb") as file, av.open(file) as container:
            stream = container.streams.video[0]
            # Not by frames: an error would take those with it that other threads hold.
            stream.thread_type = "SLICE"
            origin = float((stream.start_time or 0) * stream.time_base)
            at = 0
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except (av.error.InvalidDataError, PermissionError):  # the latter of DV cut short
                    if at > skip:  # OpenCV has told of those before
                        yield None
                    continue
                for frame in frames:
                    at += 1
                    if at > skip:
                        image = frame.to_ndarray(format="bgr24")
                        time_ms = None if frame.time is None else 1000 * (frame.time - origin)
                        yield turned(image, _clockwise(frame)), time_ms
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise InputError(f"{name}: PyAV cannot read it: {reason(error)}") from error


def _clockwise(frame: Any) -> int:
    return (
        -int(getattr(frame, "rotation", 0)) % 360
    )  # PyAV counts the other way; before 13 not at all
