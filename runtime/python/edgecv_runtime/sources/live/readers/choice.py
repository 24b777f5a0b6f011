"""Which reader opens a source."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgecv_runtime._core import EngineError, InputError
from edgecv_runtime.opencv import import_cv2, opencv_has
from edgecv_runtime.sources.addresses import csi_pipeline
from edgecv_runtime.sources.capture import SILENCE_MS
from edgecv_runtime.sources.live.readers.gstreamer import (
    GStreamerReader,
    gstreamer_is_here,
    has_hardware_decoder,
)
from edgecv_runtime.sources.live.readers.opencv import OpenCVReader
from edgecv_runtime.sources.live.readers.pyav import PyAVReader
from edgecv_runtime.sources.live.readers.reader import Reader

if TYPE_CHECKING:
    from edgecv_runtime.sources.video import Video

READERS = ("opencv", "pyav", "gstreamer")

_INSTALL = {
    "opencv": "pip install 'edgecv[cpu]'",
    "pyav": "pip install 'edgecv[av]' (its wheels contain GPL code)",
    "gstreamer": "apt install python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-libav, and a virtual environment with "
    "--system-site-packages",
}


def opener(
    video: Video, reader: str | None = None, silence_ms: int = SILENCE_MS
) -> Callable[[], Reader]:
    """What opens the live source, each time it is called.

    Args:
        video: the source.
        reader: one of `READERS`; None: the best that is installed. For CSI cameras and pipelines
            that is GStreamer, for streams GStreamer with a hardware decoder (not over HTTP), then
            PyAV, OpenCV and GStreamer without one; for cameras of the system OpenCV, then GStreamer
            and PyAV.
        silence_ms: how long it waits for what does not come.

    Raises:
        InputError: another name, a reader that is not installed, or that cannot read this source.
    """
    chosen = reader if reader is not None else _best(video)
    if chosen not in READERS:
        raise InputError(f'reader: expected one of {", ".join(READERS)}, got "{chosen}"')
    if reader is not None and not reader_is_here(chosen):
        raise InputError(
            f'reader: "{chosen}" is not installed in this environment: {_INSTALL[chosen]}'
        )
    name, target = video.name, video.target
    if chosen == "gstreamer":
        if name.startswith("csi://"):  # without the conversion that OpenCV needs
            target = csi_pipeline(int(name.removeprefix("csi://")), nv12=True)
        return lambda: GStreamerReader(name, target, video.gstreamer, silence_ms)
    if chosen == "opencv":
        return lambda: OpenCVReader(name, target, video.gstreamer, silence_ms)
    if video.gstreamer:
        raise InputError(f"{name}: PyAV reads no GStreamer pipeline: take the reader gstreamer")
    return lambda: PyAVReader(name, target, silence_ms)


def _best(video: Video) -> str:
    if video.gstreamer:
        return "gstreamer" if reader_is_here("gstreamer") else "opencv"
    if isinstance(video.target, int):
        order = ["opencv", "gstreamer", "pyav"]
    else:
        order = ["pyav", "opencv", "gstreamer"]
        # GStreamer does not find JPEG after JPEG in HTTP, which is what cameras send there.
        http = video.target.startswith(("http://", "https://"))
        if not http and reader_is_here("gstreamer") and has_hardware_decoder():
            order = ["gstreamer"]
    return next((each for each in order if reader_is_here(each)), "opencv")


def reader_is_here(reader: str) -> bool:
    """Whether the reader of that name is installed, and its library can be loaded."""
    if reader == "gstreamer":
        return gstreamer_is_here()
    if reader == "pyav":
        return importlib.util.find_spec("av") is not None
    try:
        import_cv2()
    except EngineError:
        return False
    return opencv_has("FFMPEG") or opencv_has("v4l/v4l2") or opencv_has("GStreamer")
