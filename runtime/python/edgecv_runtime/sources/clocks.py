"""The times of frames: in a file they may go back, in a live source they may be made up."""

from __future__ import annotations

import time

_SLOWER = 2.0  # a stream's clock that lags this far behind the true one tells no times
_START_MS = 100.0
_NO_TIME_MS = 1e12  # OpenCV below 4.13 makes times of ages of a frame that has none


class FileClock:
    """Milliseconds since the video's first frame, never falling.

    A file joined from several starts again at each joint; its time goes on. A container without
    times has those of its rate.
    """

    def __init__(self, rate: float | None) -> None:
        self._frame_ms = None if rate is None else 1000 / rate
        self._offset = 0.0
        self._last: float | None = None
        self._step = self._frame_ms  # the latest distance between two frames
        self._untimed = False

    @property
    def last_ms(self) -> float | None:
        return self._last

    def at(self, index: int, position_ms: float) -> float | None:
        """The time of frame `index` that stands at `position_ms` by the container's own clock."""
        if self._last is None:
            # OpenCV below 4.13 takes the time of decoding for the first frame: before 0.
            self._offset = -max(position_ms, 0.0) if position_ms < _NO_TIME_MS else 0.0
            self._last = 0.0
            return self._last
        if index == 1 and position_ms == 0 and self._offset == 0:
            self._untimed = True
        if self._untimed:
            return None if self._frame_ms is None else index * self._frame_ms
        now = position_ms + self._offset
        if position_ms == 0 or not abs(position_ms) < _NO_TIME_MS:  # a frame without a time
            now = self._last + (self._step or 0.0)
        elif now < self._last - 1e-6:
            now = self._last + (self._step or 0.0)
            self._offset = now - position_ms
        elif now > self._last:
            self._step = now - self._last
        self._last = max(now, self._last)
        return self._last


class LiveClock:
    """Where the frames of a live source belong in a recording, in milliseconds.

    That is the stream's own clock. Some have none (JPEG after JPEG over HTTP) and FFmpeg counts
    them at 25 a second: then a reader waits far longer than that clock goes, and arrival counts.
    """

    def __init__(self, made_up: bool = False) -> None:
        self._made_up = made_up  # the stream's clock
        self._started: float | None = None
        self._waited_ms = 0.0
        self._first_position = 0.0
        self._last = 0.0

    def arrival_ms(self) -> float:
        """Since the first call."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        return (now - self._started) * 1000

    def play_ms(self, index: int, arrival_ms: float, position_ms: float, waited_ms: float) -> float:
        """Of frame `index`, at `position_ms` of the stream, that was waited for so long."""
        if index == 0:
            self._first_position = position_ms
            return 0.0
        self._waited_ms += waited_ms
        passed = position_ms - self._first_position
        self._made_up |= passed <= 0 or self._waited_ms > _SLOWER * passed + _START_MS
        now = arrival_ms if self._made_up else passed
        self._last = max(self._last, now)
        return self._last
