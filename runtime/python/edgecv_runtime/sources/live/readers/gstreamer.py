"""Cameras and streams by GStreamer's own Python bindings, with hardware decoders where they are.

The bindings (`gi`) come with the system: apt install python3-gi gir1.2-gst-plugins-base-1.0.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.sources.addresses import shown_address
from edgecv_runtime.sources.capture import SILENCE_MS
from edgecv_runtime.sources.live.readers.reader import Shot

# Decoders of other memory than the processor's, whose frames need their own converter.
_HARDWARE = re.compile(r"nv|v4l2|va|msdk|qsv|omx|mpp|amc")
# Studio range, as the core takes it: JPEG has levels from 0 to 255.
_FORM = (
    "capsfilter name=edgecv-form caps=video/x-raw,format=NV12,"
    'colorimetry=(string){bt709,bt601,smpte240m,bt2020,"2:4:16:4"}'
)
_SINK = "appsink name=frames max-buffers=1 drop=true sync=false"
_TICK_S = 0.1  # between two looks at the bus


def gstreamer_is_here() -> bool:
    """Whether the bindings are installed, with the part that reads frames."""
    if importlib.util.find_spec("gi") is None:
        return False
    try:
        _gst()
    except (ImportError, ValueError, AttributeError):  # the last: any folder called gi
        return False
    return True


@functools.cache
def _gst() -> Any:
    """The module Gst. Raises ImportError or ValueError where a part is missing."""
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstVideo", "1.0")
    from gi.repository import Gst, GstApp, GstVideo  # noqa: F401  (their methods are needed)

    Gst.init(None)
    return Gst


def has_hardware_decoder() -> bool:
    """Whether GStreamer would decode H.264 on something else than the processor."""
    Gst = _gst()
    decoders = Gst.ElementFactory.list_get_elements(
        Gst.ELEMENT_FACTORY_TYPE_DECODER | Gst.ELEMENT_FACTORY_TYPE_MEDIA_VIDEO, Gst.Rank.MARGINAL
    )
    caps = Gst.Caps.from_string("video/x-h264")
    able = Gst.ElementFactory.list_filter(decoders, caps, Gst.PadDirection.SINK, False)
    best = max(able, key=lambda factory: factory.get_rank(), default=None)
    return best is not None and _HARDWARE.match(best.get_name()) is not None


class GStreamerReader:
    """A running pipeline that ends in an appsink.

    Frames are NV12 where their sides are even, else BGR; a pipeline that ends in an appsink of its
    own may give either.

    Args:
        name: of the source, without a password.
        target: an address, a camera's number (Linux: /dev/videoN), or a pipeline.
        pipeline: whether it is a pipeline. Where it does not end in an appsink it gets one, and
            what converts to NV12.
        silence_ms: how long it may take until the first frame, and from one to the next.

    Raises:
        InputError: it cannot be started, or gives no frame in time.
    """

    name = "gstreamer"

    def __init__(
        self,
        name: str,
        target: str | int,
        pipeline: bool = False,
        silence_ms: int = SILENCE_MS,
    ) -> None:
        Gst = _gst()
        self._source = name
        self._gst = Gst
        self._silence_s = silence_ms / 1000
        self._index = 0
        self.decoder = ""
        self.without_times = False
        text = _with_sink(str(target)) if pipeline else _pipeline_of(Gst, target)
        try:
            self._pipeline = Gst.parse_launch(text)
        except Exception as error:  # GLib.Error: an unknown element, a mistake in the text
            raise self._refused(str(getattr(error, "message", error))) from error
        for source in _elements(self._pipeline, "uridecodebin"):
            source.set_property("uri", str(target))
            source.connect("source-setup", _set_up_source, self._silence_s)
        self._bus = self._pipeline.get_bus()
        self._sink = _the_sink(self._pipeline)
        if self._sink is None:
            self._pipeline.set_state(Gst.State.NULL)
            raise self._refused("the pipeline has no appsink at its end")
        self._ready: Shot | None = None
        try:
            self._pipeline.set_state(Gst.State.PLAYING)
            self._ready = self._wait()
        except InputError as error:
            self.close()
            raise self._refused(str(error)) from error
        self.decoder = _decoder_in(self._pipeline)

    def read(self) -> Shot:
        shot, self._ready = self._ready, None
        try:
            shot = shot or self._wait()
        except InputError as error:
            raise InputError(
                f"{self._source}: no more images after {self._index} frames: {error}"
            ) from None
        self._index += 1
        return shot

    def _wait(self) -> Shot:
        asked = time.monotonic()
        while True:
            sample = self._sink.emit("try-pull-sample", int(_TICK_S * self._gst.SECOND))
            waited = time.monotonic() - asked
            if sample is not None:
                shot = self._shot(sample, waited * 1000)
                if shot is not None:
                    return shot
            self._raise_errors()
            if sample is None and self._sink.get_property("eos"):
                raise InputError("the camera or stream has gone")
            if waited > self._silence_s:
                raise InputError(f"no frame for {self._silence_s:g} s")

    def _raise_errors(self) -> None:
        message = self._bus.pop_filtered(self._gst.MessageType.ERROR)
        if message is not None:
            error, _ = message.parse_error()
            raise InputError(shown_address(" ".join(str(error.message).split())).rstrip("."))

    def _shot(self, sample: Any, waited_ms: float) -> Shot | None:
        """None where the frame has odd sides: the ones after it come as BGR."""
        from gi.repository import GstVideo

        info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
        form = "" if info is None else info.finfo.name
        if form == "NV12" and (info.width % 2 or info.height % 2):
            for element in _elements(self._pipeline, "capsfilter"):
                if element.get_name() == "edgecv-form":
                    element.set_property(
                        "caps", self._gst.Caps.from_string("video/x-raw,format=BGR")
                    )
                    return None
        if form not in ("NV12", "BGR"):
            raise InputError(f"the pipeline gives {form or 'no video'}, expected NV12 or BGR")
        buffer = sample.get_buffer()
        ok, mapped = buffer.map(self._gst.MapFlags.READ)
        if not ok:
            raise InputError("the frame's memory cannot be read by the processor")
        try:
            pixels = _copied(mapped.data, info, _strides(buffer, info), form)
        finally:
            buffer.unmap(mapped)
        time_ns = buffer.pts if buffer.pts != self._gst.CLOCK_TIME_NONE else 0
        return Shot(pixels, form.lower(), time_ns / 1e6, waited_ms)

    def _refused(self, why: str) -> InputError:
        why = shown_address(" ".join(why.split()))
        return InputError(f"{self._source}: cannot be opened: {why} (GStreamer)")

    def close(self) -> None:
        self._pipeline.set_state(self._gst.State.NULL)
        # Waits until the threads of the pipeline have ended and its descriptors are closed.
        self._pipeline.get_state(self._gst.SECOND)


def _pipeline_of(Gst: Any, target: str | int) -> str:
    """From a camera or an address to NV12 in the processor's memory."""
    if isinstance(target, int):
        source = f"v4l2src device=/dev/video{target} ! decodebin"
    else:
        source = "uridecodebin"  # its address is set as a property
    # Jetson's converter takes frames out of the decoder's own memory.
    if Gst.ElementFactory.find("nvvidconv"):
        form = "capsfilter name=edgecv-form caps=video/x-raw,format=NV12"
        return f"{source} ! nvvidconv ! {form} ! {_SINK}"
    turn = "videoflip video-direction=auto ! " if Gst.ElementFactory.find("videoflip") else ""
    return f"{source} ! {turn}videoconvert ! {_FORM} ! {_SINK}"


def _with_sink(text: str) -> str:
    last = text.rsplit("!", 1)[-1].split()
    return text if last[:1] == ["appsink"] else f"{text} ! videoconvert ! {_FORM} ! {_SINK}"


def _set_up_source(_: Any, source: Any, silence_s: float) -> None:
    """TCP for RTSP, and no long buffer: over UDP images tear where packets are lost."""
    name = source.get_factory().get_name() if source.get_factory() is not None else ""
    if name == "rtspsrc":
        source.set_property("protocols", 4)  # GstRTSPLowerTrans.TCP
        source.set_property("latency", 100)
        source.set_property("tcp-timeout", int(silence_s * 1e6))
    elif name == "souphttpsrc":
        source.set_property("timeout", max(1, round(silence_s)))
        source.set_property("is-live", True)


def _elements(pipeline: Any, factory: str) -> list[Any]:
    found: list[Any] = []
    iterator = pipeline.iterate_recurse()
    while True:
        result, element = iterator.next()
        if int(result) == 2:  # GstIterator.RESYNC: the pipeline changed meanwhile
            iterator.resync()
            found.clear()
            continue
        if int(result) != 1:
            return found
        if element.get_factory() is not None and element.get_factory().get_name() == factory:
            found.append(element)


def _the_sink(pipeline: Any) -> Any:
    sinks = _elements(pipeline, "appsink")
    return sinks[0] if sinks else None


def _decoder_in(pipeline: Any) -> str:
    """The name of the element that decodes video; "" where the camera gives plain frames."""
    iterator = pipeline.iterate_recurse()
    while True:
        result, element = iterator.next()
        if int(result) == 2:
            iterator.resync()
            continue
        if int(result) != 1:
            return ""
        factory = element.get_factory()
        kind = "" if factory is None else str(factory.get_metadata("klass"))
        if "Decoder" in kind and ("Video" in kind or "Image" in kind):
            return str(factory.get_name())


def _strides(buffer: Any, info: Any) -> tuple[list[int], list[int]]:
    """Offset and stride of each plane, as the buffer says, else as its caps do."""
    from gi.repository import GstVideo

    meta = GstVideo.buffer_get_video_meta(buffer)
    of = info if meta is None else meta
    return list(of.offset), list(of.stride)


def _copied(
    data: Any, info: Any, planes: tuple[list[int], list[int]], form: str
) -> NDArray[np.uint8]:
    """The one copy that a frame is given: out of GStreamer's memory, rows without gaps."""
    flat = np.frombuffer(data, np.uint8)
    offset, stride = planes
    height, width = int(info.height), int(info.width)
    if form == "BGR":
        rows = _rows(flat, offset[0], stride[0], height, 3 * width)
        return np.array(rows).reshape(height, width, 3)
    pixels: NDArray[np.uint8] = np.empty((height * 3 // 2, width), np.uint8)
    pixels[:height] = _rows(flat, offset[0], stride[0], height, width)
    pixels[height:] = _rows(flat, offset[1], stride[1], height // 2, width)
    return pixels


def _rows(
    flat: NDArray[np.uint8], offset: int, stride: int, height: int, width: int
) -> NDArray[np.uint8]:
    """uint8 [height, width]: a view. The last row need not be filled up to the stride."""
    if stride < width or offset + (height - 1) * stride + width > len(flat):
        raise InputError(f"a frame of {width} x {height} came in {len(flat)} bytes")
    return np.lib.stride_tricks.as_strided(flat[offset:], (height, width), (stride, 1))
