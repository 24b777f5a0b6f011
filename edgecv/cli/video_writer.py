"""An annotated video, written frame by frame."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import EngineError, InputError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi")  # of containers that take MPEG-4
DEFAULT_RATE = 25.0  # frames per second, where the source does not say


class VideoWriter:
    """Opens the file with the first frame and finishes it on every way out of a `with` block."""

    def __init__(self, path: Path, rate: float | None) -> None:
        self._path = path
        self._rate = rate or DEFAULT_RATE
        self._writer: Any = None
        self._size: tuple[int, int] | None = None

    def write(self, image: NDArray[np.uint8]) -> None:
        """Appends a frame, uint8 [H, W, 3] BGR."""
        if self._writer is None:
            self._writer = self._open(image)
        if image.shape[:2] != self._size:
            raise InputError(
                f"{self._path}: the frames change from {self._size} to {image.shape[:2]} "
                "(height, width), which a video file cannot hold: save each part by itself"
            )
        self._writer.write(image)

    def _open(self, image: NDArray[np.uint8]) -> Any:
        import cv2

        height, width = image.shape[:2]
        self._size = (height, width)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(
            str(self._path), cv2.VideoWriter.fourcc(*"mp4v"), self._rate, (width, height)
        )
        if not writer.isOpened():
            raise EngineError(
                f"{self._path}: this OpenCV cannot write it: is the folder writable, and "
                "FFmpeg there (edgecv doctor)?"
            )
        return writer

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is None:
            return
        self._writer.release()
        # OpenCV's writer does not say when the disk is full.
        if kind is None and not (self._path.is_file() and self._path.stat().st_size > 0):
            raise InputError(f"{self._path}: could not be written: is the disk full?")
