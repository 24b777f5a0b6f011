"""An annotated video, written frame by frame, that plays for as long as its frames last."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError
from edgecv_runtime.whole import new_file

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi")  # of containers that take both codecs
DEFAULT_RATE = 25.0  # frames per second, of frames without times

# H.264 plays in every browser. OpenCV's wheels on PyPI cannot write it, those of distributions can.
_CODECS = ("avc1", "mp4v")
_USUAL_RATES = (1.0, 120.0)  # others are made up: 90000, 1000, or the container's clock
_FINE_RATE = 30.0  # of frames at uneven times
_SAMPLE = 8  # frames from whose times a rate is measured
_LONGEST_GAP = 600.0  # seconds


class VideoNotWritten(InputError):
    """The file cannot be written; the source may be read all the same."""


class VideoWriter:
    """Opens the file with the first frames and finishes it on every way out of a `with` block.

    It has another name meanwhile. Once it is finished and was read back, it takes its own, in place
    of an earlier file.

    A video file has one rate. Frames that come at uneven times are repeated, or left out, so that
    each is shown when it was, within one frame.

    Args:
        path: of the file; its suffix names the container.
        rate: frames per second that the source announces; None, or one that no camera has, for the
            rate at which the first frames come.
        live: whether the times are those of arrival at a busy machine, and not exact.
    """

    def __init__(self, path: Path, rate: float | None, live: bool = False) -> None:
        self._path = path
        self._live = live
        usual = rate is not None and _USUAL_RATES[0] <= rate <= _USUAL_RATES[1]
        self._rate = rate if usual else None
        self._held: list[tuple[NDArray[np.uint8], float | None]] = []  # until the rate is known
        self._writer: Any = None
        self._stack = ExitStack()  # of the draft
        self._draft = path
        self._size = (0, 0)
        self._started: float | None = None
        self._written = 0
        self._last: NDArray[np.uint8] | None = None
        self._skipped = 0.0  # seconds of gaps that are not shown

    def write(self, image: NDArray[np.uint8], time_ms: float | None = None) -> None:
        """Appends a frame, uint8 [H, W, 3] BGR, that is shown from `time_ms` on.

        A frame of another size than the first is scaled into it, on black.
        """
        if self._writer is None and self._rate is None:
            self._held.append((image, time_ms))
            if len(self._held) == _SAMPLE:
                self._release_held()
            return
        self._write(image, time_ms)

    def _release_held(self) -> None:
        if self._held:
            times = [time_ms for _, time_ms in self._held]
            self._rate, even = _measured_rate(times, self._live)
            if even and times[-1] is not None:
                # The first frames of a stream come at once, while it is opened: the later ones say
                # when they were taken.
                self._started = times[-1] - 1000 * (len(times) - 1) / self._rate
            held, self._held = self._held, []
            for image, time_ms in held:
                self._write(image, None if even else time_ms)

    def _write(self, image: NDArray[np.uint8], time_ms: float | None) -> None:
        assert self._rate is not None
        if self._writer is None:
            self._writer = self._open(image, self._rate)
            if self._started is None:
                self._started = time_ms
        missing = self._place(time_ms) - self._written
        if missing < -1:  # the next one is due already
            return
        if missing > 1:  # a cause other than jitter
            for _ in range(missing):
                self._writer.write(self._last)
            self._written += missing
        self._last = _fitted(image, self._size)
        self._writer.write(self._last)
        self._written += 1

    def _place(self, time_ms: float | None) -> int:
        """The number in the file that a frame of that time has."""
        if time_ms is None or self._started is None or self._rate is None:
            return self._written
        seconds = (time_ms - self._started) / 1000 - self._skipped
        gap = seconds - self._written / self._rate
        if gap > _LONGEST_GAP:
            self._skipped += gap - _LONGEST_GAP
            seconds -= gap - _LONGEST_GAP
        return round(seconds * self._rate)

    def _open(self, image: NDArray[np.uint8], rate: float) -> Any:
        import cv2

        from edgecv_runtime.sources.capture import name_for_opencv

        height, width = image.shape[:2]
        self._size = (height, width)
        if self._path.is_dir():
            raise VideoNotWritten(f"{self._path}: cannot be written: a folder has that name")
        try:
            draft = self._stack.enter_context(new_file(self._path))
        except OSError as error:
            raise VideoNotWritten(f"{self._path}: cannot be written: {error.strerror}") from error
        self._draft = draft
        for codec in _CODECS:
            with name_for_opencv(draft) as name:
                writer = cv2.VideoWriter(
                    name, cv2.VideoWriter.fourcc(*codec), rate, (width, height)
                )
            if writer.isOpened():
                return writer
        raise VideoNotWritten(
            f"{self._path}: this OpenCV cannot write it ({width} x {height}, {rate:g} frames "
            "per second): is the folder writable, and FFmpeg there (edgecv doctor)?"
        )

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and issubclass(kind, VideoNotWritten):
            self._stack.__exit__(kind, error, trace)  # the draft goes
            return
        try:
            self._finish()
        except OSError as fault:
            raise VideoNotWritten(f"{self._path}: cannot be written: {fault.strerror}") from fault

    def _finish(self) -> None:
        with self._stack:
            self._release_held()
            if self._writer is None:
                return
            self._writer.release()
            # OpenCV's writer does not say when the disk is full.
            found = _frames_in(self._draft)
            if found < self._written:
                raise VideoNotWritten(
                    f"{self._path}: {found} of {self._written} frames can be read back: is the "
                    "disk full? An earlier file of that name is kept"
                )


def _frames_in(path: Path) -> int:
    """How many frames a file holds, counted by their packets; 0 where the first or the last one
    cannot be decoded."""
    import cv2

    from edgecv_runtime.sources.capture import name_for_opencv

    with name_for_opencv(path) as name:
        packets, frames = (cv2.VideoCapture(name, cv2.CAP_FFMPEG) for _ in range(2))
    try:
        packets.set(cv2.CAP_PROP_FORMAT, -1)
        count = 0
        while packets.grab():
            count += 1
        whole = frames.read()[0]
        if whole and count > 1:
            frames.set(cv2.CAP_PROP_POS_FRAMES, count - 1)
            whole = frames.read()[0]
        return count if whole else 0
    finally:
        packets.release()
        frames.release()


def _measured_rate(times_ms: list[float | None], live: bool) -> tuple[float, bool]:
    """Frames per second of the first frames, and whether most are that far apart."""
    times = np.array([time_ms for time_ms in times_ms if time_ms is not None])
    steps = np.diff(times)
    if len(times) < len(times_ms) or len(steps) == 0 or times[-1] <= times[0]:
        return DEFAULT_RATE, False
    usual = float(np.median(steps))
    kept = steps[np.argmax(steps >= usual / 2) :]  # without those that came at once
    share = float(np.mean(np.abs(kept - usual) <= max(0.3 * usual, 4.0)))
    even = share >= (0.6 if live else 0.85)
    rate = 1000 / max(usual, 1.0)
    rate = rate if even else max(rate, _FINE_RATE)
    even = even and _USUAL_RATES[0] <= rate <= _USUAL_RATES[1]
    rate = min(max(rate, _USUAL_RATES[0]), _USUAL_RATES[1])
    if abs(rate - round(rate)) < 0.03 * rate:
        rate = float(round(rate))
    return round(rate, 2), even


def _fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The image in the middle of a black one of `size` (height, width), as large as it can be."""
    if image.shape[:2] == size:
        return image
    import cv2

    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas = np.zeros((*size, 3), np.uint8)
    canvas[top : top + height, left : left + width] = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA
    )
    return canvas
