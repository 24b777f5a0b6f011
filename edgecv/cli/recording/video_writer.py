"""An annotated video, written frame by frame, that plays for as long as its frames last."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv.cli.recording.part_file import part_file
from edgecv_runtime import InputError

if TYPE_CHECKING:
    from edgecv.cli.recording.mp4_recorder import Mp4Recorder
    from edgecv.cli.recording.opencv_recorder import OpenCVRecorder

_MP4 = (".mp4", ".m4v", ".mov")
VIDEO_SUFFIXES = (*_MP4, ".mkv", ".avi")  # of containers that take both codecs
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
    """Opens the file with the first frames and finishes it at the end of a `with` block.

    Until then it is called `clip.part.mp4`, and can be read as it is, also where the process is
    killed. Once it is finished it takes its own name, in place of an earlier file. It stays a part
    where the block raises, with a warning, and where the disk is full.

    A video file has one rate. Frames that come at uneven times are repeated, or left out, so that
    each is shown when it was, within one frame.

    Args:
        path: of the file; its suffix names the container.
        rate: frames per second that the source announces; None, or one that no camera has, for the
            rate at which the first frames come.
        live: whether the times are those of arrival at a busy machine, and not exact.
        open_ended: whether the video is whole at whatever point it ends, as a camera's is: then it
            is finished where the block raises, too.
    """

    def __init__(
        self, path: Path, rate: float | None, live: bool = False, open_ended: bool = False
    ) -> None:
        self.path = path
        self._open_ended = open_ended
        self.saved = False  # whether the file has its name
        self._live = live
        usual = rate is not None and _USUAL_RATES[0] <= rate <= _USUAL_RATES[1]
        self._rate = rate if usual else None
        self._held: list[tuple[NDArray[np.uint8], float | None]] = []  # until the rate is known
        self._recorder: Any = None
        self._stack = ExitStack()  # of the part
        self._part = path
        self._size = (0, 0)
        self._started: float | None = None
        self._written = 0
        self._last: NDArray[np.uint8] | None = None
        self._skipped = 0.0  # seconds of gaps that are not shown

    def write(self, image: NDArray[np.uint8], time_ms: float | None = None) -> None:
        """Appends a frame, uint8 [H, W, 3] BGR, that is shown from `time_ms` on.

        A frame of another size than the first is scaled into it, on black.
        """
        if self._recorder is None and self._rate is None:
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
        if self._recorder is None:
            self._recorder = self._open(image, self._rate)
            if self._started is None:
                self._started = time_ms
        missing = self._place(time_ms) - self._written
        if missing < -1:  # the next one is due already
            return
        if missing > 1 and self._last is not None:  # a cause other than jitter
            for _ in range(missing):
                self._append(self._last)
        self._last = _fitted(image, self._size)
        self._append(self._last)

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

    def _open(self, image: NDArray[np.uint8], rate: float) -> Mp4Recorder | OpenCVRecorder:
        from edgecv.cli.recording import mp4_recorder, opencv_recorder

        height, width = image.shape[:2]
        self._size = (height, width)
        if self.path.is_dir():
            raise VideoNotWritten(f"{self.path}: cannot be written: a folder has that name")
        try:
            self._part = self._stack.enter_context(part_file(self.path))
            kind = mp4_recorder if self.path.suffix.lower() in _MP4 else opencv_recorder
            for codec in _CODECS:
                recorder = kind.open_recorder(self._part, codec, self._size, rate)
                if recorder is not None:
                    return recorder
        except OSError as error:
            raise VideoNotWritten(f"{self.path}: cannot be written: {error.strerror}") from error
        raise VideoNotWritten(
            f"{self.path}: this OpenCV cannot write it ({width} x {height}, {rate:g} frames "
            "per second): is FFmpeg there (edgecv doctor)?"
        )

    def _append(self, image: NDArray[np.uint8]) -> None:
        try:
            self._recorder.write(image)
        except (OSError, ValueError) as error:
            self._recorder.close()
            raise self._not_written(error) from error
        self._written += 1

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        whole = error is None or (self._open_ended and not isinstance(error, VideoNotWritten))
        try:
            with self._stack:
                self._release_held()
                if self._recorder is not None:
                    self._recorder.close()
                # Ctrl-C may come when the part is there, and no frame.
                if not whole or not self._written:
                    raise _NotWhole
                self._finish()
            self.saved = True
        except _NotWhole:
            if not self._written:
                self._remove_part()
            elif not isinstance(error, VideoNotWritten):  # which says it itself
                warnings.warn(f"{self.path}: not finished{self._what_is_kept()}", stacklevel=2)
        except (OSError, ValueError) as fault:
            raise self._not_written(fault) from fault

    def _finish(self) -> None:
        """Raises what the recorder raises, and VideoNotWritten where frames are missing."""
        self._recorder.raise_error()
        if self._recorder.frames >= self._written:
            self._recorder.finish(self._part)
            if _ends_well(self._part, self._written):
                return
        raise VideoNotWritten(
            f"{self.path}: {self._recorder.frames} of {self._written} frames can be read back (is "
            f"the disk full?){self._what_is_kept()}"
        )

    def _not_written(self, error: Exception) -> VideoNotWritten:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return VideoNotWritten(f"{self.path}: cannot be written: {reason}{self._what_is_kept()}")

    def _remove_part(self) -> None:
        if self._part != self.path:
            self._part.unlink(missing_ok=True)

    def _what_is_kept(self) -> str:
        """The end of a message. A part without frames is removed."""
        count = self._recorder.frames if self._recorder is not None else 0
        text = ""
        if count:
            frames = "frame is" if count == 1 else f"{count} frames are"
            text = f"; its first {frames} in {self._part}"
        else:
            self._remove_part()
        return text + ("; the earlier file is kept" if self.path.is_file() else "")


class _NotWhole(Exception):
    """The part stays a part."""


def _ends_well(path: Path, count: int) -> bool:
    """Whether the first and the last of so many frames can be decoded."""
    import cv2

    from edgecv_runtime.sources.capture import name_for_opencv

    with name_for_opencv(path) as name:
        frames = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
    try:
        if not frames.read()[0]:
            return False
        frames.set(cv2.CAP_PROP_POS_FRAMES, count - 1)
        return count == 1 or bool(frames.read()[0])
    finally:
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
