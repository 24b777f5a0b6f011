"""Tells whether something moves, from small gray images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputSpec, ops
from edgecv_runtime.sources import Frame

_CELLS = (36, 64)  # height and width of the small image
_SAMPLES = 4  # of each cell along each axis
_LEVELS = 12.0  # by which a cell of the small image changes, of 255
_LEARNS_S = 2.0  # in which the background follows a change of light by two thirds
_SPEC = InputSpec(
    color="gray", size=(_CELLS[0] * _SAMPLES, _CELLS[1] * _SAMPLES), resize="stretch", scale=1.0
)


class MotionDetector:
    """Compares each frame with a background that follows slowly.

    Args:
        share: of the image that has to change, 0..1.
        holds_s: for so long after the last movement, something still moves: so the network sees how
            it ends.
    """

    def __init__(self, share: float = 0.002, holds_s: float = 2.0) -> None:
        self._share, self._holds_s = share, holds_s
        self._background: NDArray[np.float32] | None = None
        self._time_s = 0.0
        self._moved_s = 0.0

    def moves(self, frame: Frame, time_s: float) -> bool:
        """Whether something moves at that time, which never falls. The first frame counts as
        movement."""
        now = small_gray(frame)
        if self._background is None:
            self._background, self._time_s, self._moved_s = now, time_s, time_s
            return True
        changed = np.abs(now - self._background) > _LEVELS
        if changed.mean() >= self._share:
            self._moved_s = time_s
        step = 1 - np.exp(-(time_s - self._time_s) / _LEARNS_S)
        self._background += np.float32(step) * (now - self._background)
        self._time_s = time_s
        return time_s - self._moved_s <= self._holds_s


def small_gray(frame: Frame) -> NDArray[np.float32]:
    """float32 [36, 64], 0..255: each cell the mean of 16 samples of the frame."""
    if frame.format == "nv12":  # its first rows are a gray image
        pixels, color = frame.pixels[: frame.size[0]], "gray"
    else:
        pixels, color = frame.pixels, "bgr"
    samples = ops.preprocess(pixels, _SPEC, color)
    cells = samples.reshape(_CELLS[0], _SAMPLES, _CELLS[1], _SAMPLES).mean(axis=(1, 3))
    return np.asarray(cells, np.float32)
