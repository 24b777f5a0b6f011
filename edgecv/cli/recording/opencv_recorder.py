"""Writes a video through OpenCV alone, in a container that can be read before it is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class OpenCVRecorder:
    """Takes frames, uint8 [height, width, 3] BGR, until it is closed.

    Args:
        path: of the file.
        encoder: of OpenCV, that writes to it.
    """

    def __init__(self, path: Path, encoder: Any) -> None:
        self._path = path
        self._encoder = encoder
        self._frames: int | None = None

    @property
    def frames(self) -> int:
        """How many the file holds, once it is closed."""
        if self._frames is None:
            self._frames = frames_in(self._path)
        return self._frames

    def write(self, image: NDArray[np.uint8]) -> None:
        self._encoder.write(image)

    def raise_error(self) -> None:
        """OpenCV's writer tells of none."""

    def close(self) -> None:
        """Everything that was written is in the file. May be called twice."""
        self._encoder.release()

    def finish(self, path: Path) -> None:
        """Nothing is left to do."""


def open_recorder(
    path: Path, codec: str, size: tuple[int, int], rate: float
) -> OpenCVRecorder | None:
    """A recorder for the file at `path`. None where OpenCV has no encoder for it.

    Args:
        path: of the file; its suffix names the container.
        codec: its four letters.
        size: height and width.
        rate: frames per second.
    """
    import cv2

    from edgecv_runtime.sources.capture import name_for_opencv

    letters = cv2.VideoWriter.fourcc(*codec)
    with name_for_opencv(path) as name:
        encoder = cv2.VideoWriter(name, cv2.CAP_FFMPEG, letters, rate, (size[1], size[0]))
    return OpenCVRecorder(path, encoder) if encoder.isOpened() else None


def frames_in(path: Path) -> int:
    """How many frames a file holds, by their packets; 0 where the first cannot be decoded."""
    import cv2

    from edgecv_runtime.sources.capture import name_for_opencv

    with name_for_opencv(path) as name:
        packets, frames = (cv2.VideoCapture(name, cv2.CAP_FFMPEG) for _ in range(2))
    try:
        packets.set(cv2.CAP_PROP_FORMAT, -1)
        count = 0
        while packets.grab():
            count += 1
        return count if frames.read()[0] else 0
    finally:
        packets.release()
        frames.release()
