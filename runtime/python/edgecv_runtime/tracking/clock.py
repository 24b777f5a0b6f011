"""When a frame was taken, as trackers and zones need it."""

from __future__ import annotations

import math
from numbers import Real

from edgecv_runtime._core import InputError
from edgecv_runtime.results.detections import Detections


class FrameClock:
    """Seconds, from the times of results, else from the numbers of their frames, else counted."""

    def __init__(self, frame_rate: float) -> None:
        self._frame_rate = frame_rate
        self._last_s: float | None = None

    def seconds(self, result: Detections, time_ms: float | None) -> float:
        """Raises InputError for a time that is no number, or before that of the last call."""
        if time_ms is None:
            time_ms = result.time_ms
        if time_ms is not None:
            now_s = float(time_ms) / 1000 if isinstance(time_ms, Real) else math.nan
        elif result.frame is not None:
            now_s = result.frame / self._frame_rate
        elif self._last_s is not None:
            now_s = self._last_s + 1 / self._frame_rate
        else:
            now_s = 0.0
        if not math.isfinite(now_s):
            raise InputError(f"time_ms: expected a number of milliseconds, got {time_ms!r}")
        if self._last_s is not None and now_s < self._last_s:
            raise InputError(
                f"the frame at {1000 * now_s:g} ms came after that at {1000 * self._last_s:g} ms: "
                "expected frames in the order of their times; call reset() before another video"
            )
        self._last_s = now_s
        return now_s

    def reset(self) -> None:
        self._last_s = None
