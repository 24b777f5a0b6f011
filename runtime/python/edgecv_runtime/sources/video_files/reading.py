"""Video files: every frame right, or a word that it is not; and a verdict on how the file ends."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.sources.capture import (
    codec_of,
    open_file,
    open_live,
    opened,
    reason,
    take_over_turning,
    three_channels,
    turned,
)
from edgecv_runtime.sources.clocks import FileClock
from edgecv_runtime.sources.frames import Failure, Frame
from edgecv_runtime.sources.video_files.container import Evidence, lacks_index, read_evidence
from edgecv_runtime.sources.video_files.conversion import ConversionWatch, conversion_is_heard
from edgecv_runtime.sources.video_files.frame_sizes import SizeChanges
from edgecv_runtime.sources.video_files.pyav import pyav_is_here, read_with_pyav

_TRIES = 16  # reads that may fail in a row before the end: a packet is broken, or only sound came
_UNCOUNTED = 2  # frames that an index may count and a decoder not show


class Refused(Exception):
    """OpenCV cannot give this frame, for the reason that is the message."""


def read_file(name: str, target: str, remote: bool) -> Generator[Frame | Failure, None, None]:
    """The frames of a video, in order.

    Args:
        name: of the video, as it is shown.
        target: its path, or its address where it lies on a server.
        remote: whether that is an address.

    Returns:
        An iterator of frames. A Failure stands where the video is broken; where OpenCV cannot
        decode or convert a frame, PyAV reads the rest if it is installed, else a Failure ends it.
    """
    reader = FileReader(name, target, remote)
    try:
        yield from reader.frames()
    except Refused as refusal:
        if remote or not pyav_is_here():
            yield Failure(name, InputError(f"{name}: {refusal}"), reader.index)
            return
        yield from reader.rest_with_pyav()
    except InputError as error:
        yield Failure(name, error, reader.index)
    finally:
        reader.close()


def check_opened(capture: Any, name: str, target: str) -> Any:
    """The capture. Raises InputError where the file cannot be opened."""
    advice = "no video of a kind that this OpenCV reads, or a broken one"
    if not capture.isOpened() and os.path.isfile(target) and os.path.getsize(target) == 0:
        raise InputError(f"{name}: the file is empty, a video was expected")
    if not capture.isOpened() and lacks_index(target):
        advice = "its index is missing: the recording or the copy was not finished"
    return opened(capture, name, advice)


class FileReader:
    def __init__(self, name: str, target: str, remote: bool) -> None:
        self._name = name
        self._target = target
        self._remote = remote
        self._capture: Any = None
        self._sizes: SizeChanges | None = None
        self._clock = FileClock(None)
        self.index = 0

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
        if self._sizes is not None:
            self._sizes.close()

    def frames(self) -> Generator[Frame | Failure, None, None]:
        cv2 = import_cv2()
        self._open()
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self._clock = FileClock(rate if rate > 0 else None)
        turn = take_over_turning(self._capture)
        while (lost := self._next()) is not None:
            if lost:
                yield Failure(self._name, self._broken_here(), self.index)
            position = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
            yield self._frame(turned(self.converted(), turn), position)
        self._check_end()

    def rest_with_pyav(self) -> Generator[Frame | Failure, None, None]:
        """From the frame on that OpenCV could not give."""
        first = self.index
        try:
            lost = False
            for shown in read_with_pyav(self._target, self._name, skip=first):
                if shown is None:
                    lost = True
                    continue
                if lost:
                    yield Failure(self._name, self._broken_here(), self.index)
                    lost = False
                image, position = shown
                yield self._frame(image, 0.0 if position is None else position)
            if self.index == 0:
                raise InputError(f"{self._name}: not one frame can be decoded: the video is broken")
            if lost:
                raise InputError(
                    f"{self._name}: what follows frame {self.index - 1} cannot be decoded: the "
                    "video is truncated or broken there"
                )
            self._check_length(self._evidence())
        except InputError as error:
            yield Failure(self._name, error, self.index)

    def _open(self) -> None:
        cv2 = import_cv2()
        try:
            if self._remote:
                self._capture = open_live(self._target, gstreamer=False)
            else:
                self._capture = open_file(self._target)
        except cv2.error as error:
            raise InputError(f"{self._name}: cannot be opened: {reason(error)}") from error
        check_opened(self._capture, self._name, self._target)
        if not self._remote:
            self._sizes = SizeChanges(self._target, codec_of(self._capture))
        if not conversion_is_heard():
            warnings.warn(
                f"{self._name}: this OpenCV ({cv2.__version__}) does not say whether it converted "
                "a frame; interlaced videos may come out wrong",
                stacklevel=2,
            )

    def _next(self) -> bool | None:
        """Goes to the next frame: True if something was lost on the way. None at the end."""
        for attempt in range(_TRIES):
            if self._capture.grab():
                # Before the first frame, and while sound is passed over, nothing was lost.
                return attempt > 0 and self.index > 0
        return None

    def converted(self) -> NDArray[np.uint8]:
        cv2 = import_cv2()
        try:
            with ConversionWatch() as watch:
                ok, image = self._capture.retrieve()
        except cv2.error as error:  # a size that OpenCV below 4.13 did not expect
            raise Refused(
                f"OpenCV {cv2.__version__} cannot convert frame {self.index} ({reason(error)}): "
                "pip install av"
            ) from error
        if watch.refused or not ok:
            raise Refused(self._why_not_converted())
        image = three_channels(image)
        if self._sizes is not None:
            height, width = image.shape[:2]
            true = self._sizes.true_size(self.index, (height, width))
            if true is not None:
                raise Refused(
                    f"frame {self.index} or one shortly after it is of {true[1]} x {true[0]} "
                    f"pixels, which OpenCV makes {width} x {height}: pip install av, or "
                    "convert the video to one size"
                )
        return image

    def _why_not_converted(self) -> str:
        version = import_cv2().__version__
        if tuple(int(part) for part in version.split(".")[:2]) < (4, 13):
            return (
                f"OpenCV {version} cannot convert frame {self.index}: its size is not that of the "
                "first: pip install av"
            )
        return (
            f"frame {self.index} is interlaced, which OpenCV {version} cannot convert: pip install "
            "av, or use an OpenCV below 4.13, or convert the video (ffmpeg -i IN -vf bwdif OUT.mp4)"
        )

    def _frame(self, image: NDArray[np.uint8], position_ms: float) -> Frame:
        time_ms = self._clock.at(self.index, position_ms)
        frame = Frame(
            self._name,
            image,
            self.index,
            time_ms,
            time_ms,
            captured=time.monotonic(),
            captured_at=time.time(),
        )
        self.index += 1
        return frame

    def _check_end(self) -> None:
        if self.index == 0:
            codec = codec_of(self._capture)
            raise Refused(
                f"not one frame can be decoded: its codec is {codec or 'unknown'}, for which "
                f"OpenCV {import_cv2().__version__} may have no decoder, or it is broken: "
                "pip install av, or convert the video to H.264"
            )
        if self._remote:
            self._check_remote_end()
        else:
            self._check_length(self._evidence())

    def _evidence(self) -> Evidence:
        try:
            announced = self._announced()
            inside = announced is None or self.index < announced - _UNCOUNTED
            return read_evidence(self._target, inside)
        except OSError:  # it has gone meanwhile
            return Evidence()

    def _check_length(self, evidence: Evidence) -> None:
        """Whether all came that the container knows of."""
        if evidence.frames is not None and self.index < evidence.frames - _UNCOUNTED:
            raise InputError(
                f"{self._name}: ends after {self.index} of {evidence.frames} frames: "
                "the video is truncated or broken there"
            )
        if evidence.frames is not None and self.index >= evidence.frames:
            return
        announced = self._announced()
        if evidence.missing_bytes is not None:
            raise InputError(
                f"{self._name}: ends after {self.index} of {announced or 'more'} frames: "
                f"the video is truncated, its last {evidence.missing_bytes} bytes are missing"
            )
        if evidence.broken and (announced is None or self.index < announced - _UNCOUNTED):
            raise InputError(
                f"{self._name}: {self.index} of {announced or 'more'} frames could be read: "
                "the video is truncated or broken"
            )

    def _check_remote_end(self) -> None:
        """Without the file's bytes only its length in time can tell, and only roughly."""
        announced, rate = self._announced(), self._rate()
        last_ms = self._clock.last_ms
        if announced is None or rate is None or last_ms is None:
            return
        if self.index < 0.9 * announced - 2 and last_ms < 900 * announced / rate - 2000:
            raise InputError(
                f"{self._name}: ends after {self.index} of {announced} frames: "
                "the video is truncated, or the connection broke"
            )

    def _broken_here(self) -> InputError:
        return InputError(
            f"{self._name}: something between frames {self.index - 1} and {self.index} cannot be "
            "decoded: the video is broken there"
        )

    def _announced(self) -> int | None:
        count = float(self._capture.get(import_cv2().CAP_PROP_FRAME_COUNT))
        return int(count) if count > 0 else None

    def _rate(self) -> float | None:
        rate = float(self._capture.get(import_cv2().CAP_PROP_FPS))
        return rate if rate > 0 else None
