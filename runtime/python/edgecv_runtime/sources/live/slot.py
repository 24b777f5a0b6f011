"""Where a live source leaves its newest frame."""

from __future__ import annotations

import threading

from edgecv_runtime.sources.frames import Frame


class Slot:
    """Holds one frame at most: a newer one takes its place, and the older one is counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self.dropped = 0  # frames that nobody took

    @property
    def filled(self) -> bool:
        return self._frame is not None

    def put(self, frame: Frame) -> None:
        with self._lock:
            if self._frame is not None:
                self.dropped += 1
            self._frame = frame

    def take(self) -> Frame | None:
        """The frame, which is then gone."""
        with self._lock:
            frame, self._frame = self._frame, None
            return frame
