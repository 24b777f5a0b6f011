"""Which frames of a source the network sees."""

from __future__ import annotations

from edgecv.live.motion import MotionDetector
from edgecv_runtime.sources import Frame

# A camera's frames come with jitter: how much too early one may be, as a part of the distance of
# two, and in seconds.
_EARLY, _EARLY_S = 0.25, 0.025


class FrameChoice:
    """Says of each frame of one source whether it is run.

    Args:
        max_fps: frames a second at most, by the frames' own times; None for all.
        skip: frames that are left out after each one that is run.
        motion: the share of the image that has to change, 0..1; None to run where nothing moves.
    """

    def __init__(
        self, max_fps: float | None = None, skip: int = 0, motion: float | None = None
    ) -> None:
        self._step_s = None if max_fps is None else 1 / max_fps
        self._early_s = 0.0 if max_fps is None else min(_EARLY / max_fps, _EARLY_S)
        self._skip = skip
        self._motion = None if motion is None else MotionDetector(motion)
        self._count = 0
        self._due_s: float | None = None

    def __call__(self, frame: Frame) -> bool:
        time_s = (frame.time_ms or 0.0) / 1000
        # Looked at first: the background follows every frame.
        if self._motion is not None and not self._motion.moves(frame, time_s):
            return False
        return self._is_due(time_s) and self._is_counted()

    def _is_due(self, time_s: float) -> bool:
        if self._step_s is None:
            return True
        if self._due_s is not None and time_s < self._due_s - self._early_s:
            return False
        # From when it was due, so that a rate of 10 of 25 frames a second is 10 and not 8.
        late = self._due_s is None or time_s > self._due_s + self._step_s
        self._due_s = (time_s if late or self._due_s is None else self._due_s) + self._step_s
        return True

    def _is_counted(self) -> bool:
        wanted = self._count % (self._skip + 1) == 0
        self._count += 1
        return wanted
