"""Cameras and streams by OpenCV, and what its FFmpeg or GStreamer can open."""

from __future__ import annotations

import time

from edgecv_runtime._core import InputError
from edgecv_runtime.opencv import import_cv2, opencv_has
from edgecv_runtime.sources.capture import (
    SILENCE_MS,
    codec_of,
    open_live,
    opened,
    reason,
    take_over_turning,
    three_channels,
    turned,
)
from edgecv_runtime.sources.live.readers.reader import Shot
from edgecv_runtime.sources.video_files.conversion import ConversionWatch

_TRIES = 16  # reads that may fail in a row before the end: a frame is broken
_AT_ONCE_MS = 1000.0  # a read that fails later waited for what does not come


class OpenCVReader:
    """A cv2.VideoCapture.

    Args:
        name: of the source, without a password.
        target: a camera's number, an address, or a GStreamer pipeline that ends in appsink.
        gstreamer: whether it is such a pipeline.
        silence_ms: how long OpenCV's FFmpeg waits for the source to open, and for a frame. Cameras
            of the system have a deadline of their own.

    Raises:
        InputError: it cannot be opened.
    """

    name = "opencv"

    def __init__(
        self, name: str, target: str | int, gstreamer: bool = False, silence_ms: int = SILENCE_MS
    ) -> None:
        cv2 = import_cv2()
        if gstreamer and not opencv_has("GStreamer"):
            raise InputError(
                f"{name}: this OpenCV ({cv2.__version__}) is built without GStreamer: use the "
                "system's OpenCV (apt install python3-opencv; JetPack brings one), or GStreamer's "
                "Python bindings (apt install python3-gi gir1.2-gst-plugins-base-1.0)"
            )
        self._source = name
        self._index = 0
        try:
            capture = open_live(target, gstreamer, silence_ms)
            self._capture = opened(capture, name, _advice(target))
        except cv2.error as error:
            raise InputError(f"{name}: cannot be opened: {reason(error)}") from error
        streamed = isinstance(target, str) and not gstreamer
        self.decoder = codec_of(self._capture) if streamed else ""
        # JPEG after JPEG over HTTP: FFmpeg counts 25 a second, however many there are.
        bare = streamed and str(target).startswith(("http://", "https://", "tcp://"))
        self.without_times = bare and self.decoder.upper() == "MJPG"
        self._turn = take_over_turning(self._capture) if streamed else 0

    def read(self) -> Shot:
        cv2 = import_cv2()
        for failed in range(_TRIES):
            asked = time.monotonic()
            try:
                with ConversionWatch() as watch:
                    ok, image = self._capture.read()
            except cv2.error as error:
                raise InputError(
                    f"{self._source}: OpenCV cannot read frame {self._index}: {reason(error)}"
                ) from error
            waited_ms = (time.monotonic() - asked) * 1000
            if not ok and waited_ms > _AT_ONCE_MS:
                break
            if not ok:
                continue
            self._check(watch)
            position = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
            self._index += 1
            pixels = turned(three_channels(image), self._turn)
            return Shot(pixels, "bgr", position, waited_ms, failed > 0 and self._index > 1)
        raise InputError(
            f"{self._source}: no more images after {self._index} frames: "
            "the camera or stream has gone"
        )

    def _check(self, watch: ConversionWatch) -> None:
        if watch.refused:
            raise InputError(
                f"{self._source}: OpenCV {import_cv2().__version__} cannot convert frame "
                f"{self._index}: it is interlaced, or larger than the first: set the camera to "
                "progressive frames of one size, or use an OpenCV below 4.13, or pip install av"
            )
        if watch.prepared and self._index > 0:
            raise InputError(
                f"{self._source}: frame {self._index} is of another size than those before, which "
                "OpenCV does not follow: open the stream again"
            )

    def close(self) -> None:
        self._capture.release()


def _advice(target: str | int) -> str:
    if isinstance(target, int):
        return "is the camera plugged in, free, and readable for you (group video)?"
    return "is the address right and the device or server reachable?"
