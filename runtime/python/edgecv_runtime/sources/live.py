"""Cameras and streams: what has no end of its own."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from edgecv_runtime._core import InputError
from edgecv_runtime.opencv import import_cv2, opencv_has
from edgecv_runtime.sources.capture import codec_of, open_live, opened, reason, three_channels
from edgecv_runtime.sources.clocks import LiveClock
from edgecv_runtime.sources.frames import Failure, Frame
from edgecv_runtime.sources.video_files.conversion import ConversionWatch

_TRIES = 16  # reads that may fail in a row before the end: a frame is broken
_AT_ONCE_MS = 1000.0  # a read that fails later waited for what does not come


def read_live(
    name: str, target: str | int, gstreamer: bool
) -> Generator[Frame | Failure, None, None]:
    """Every frame as it comes, until the source has gone: then a Failure.

    One also stands where frames were broken.
    """
    cv2 = import_cv2()
    index, failed = 0, 0
    capture = None
    try:
        try:
            capture = opened(_open(name, target, gstreamer), name, _advice(target))
        except cv2.error as error:
            raise InputError(f"{name}: cannot be opened: {reason(error)}") from error
        clock = LiveClock(made_up=_has_no_times(target, capture))
        while True:
            asked = time.monotonic()
            with ConversionWatch() as watch:
                ok, image = capture.read()
            waited_ms = (time.monotonic() - asked) * 1000
            if not ok:
                failed += 1
                if failed == _TRIES or waited_ms > _AT_ONCE_MS:
                    break
                continue
            if watch.refused:
                raise InputError(
                    f"{name}: OpenCV {cv2.__version__} cannot convert frame {index}: it is "
                    "interlaced, or larger than the first: set the camera to progressive frames "
                    "of one size, or use an OpenCV below 4.13"
                )
            if watch.prepared and index > 0:
                raise InputError(
                    f"{name}: frame {index} is of another size than those before, which OpenCV "
                    "does not follow: start again"
                )
            if failed and index > 0:
                yield Failure(name, InputError(_broken(name, index)), index)
            failed = 0
            time_ms = clock.arrival_ms()
            position = float(capture.get(cv2.CAP_PROP_POS_MSEC))
            play_ms = clock.play_ms(index, time_ms, position, waited_ms)
            yield Frame(name, three_channels(image), index, time_ms, play_ms)
            index += 1
        raise InputError(
            f"{name}: no more images after {index} frames: "
            "the camera or stream has gone; reconnect it and start again"
        )
    except cv2.error as error:
        message = f"{name}: OpenCV cannot read frame {index}: {reason(error)}"
        yield Failure(name, InputError(message), index)
    except InputError as error:
        yield Failure(name, error, index)
    finally:
        if capture is not None:
            capture.release()


def _broken(name: str, index: int) -> str:
    return (
        f"{name}: something between frames {index - 1} and {index} cannot be decoded: it was "
        "damaged on its way"
    )


def _open(name: str, target: str | int, gstreamer: bool) -> Any:
    if gstreamer and not opencv_has("GStreamer"):
        raise InputError(
            f"{name}: this OpenCV ({import_cv2().__version__}) is built without GStreamer: use the "
            "system's OpenCV (apt install python3-opencv; JetPack brings one)"
        )
    return open_live(target, gstreamer)


def _has_no_times(target: str | int, capture: Any) -> bool:
    """JPEG after JPEG over HTTP: FFmpeg counts 25 a second, however many there are."""
    if not isinstance(target, str) or not target.startswith(("http://", "https://", "tcp://")):
        return False
    return codec_of(capture).upper() == "MJPG"


def _advice(target: str | int) -> str:
    if isinstance(target, int):
        return "is the camera plugged in, free, and readable for you (group video)?"
    return "is the address right and the device or server reachable?"
