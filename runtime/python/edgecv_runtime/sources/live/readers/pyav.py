"""Cameras and streams by PyAV, which has FFmpeg inside and needs no OpenCV to read them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.sources.capture import SILENCE_MS, reason, turned
from edgecv_runtime.sources.live.readers.reader import Shot
from edgecv_runtime.versions import require

_TRIES = 64  # packets in a row that cannot be decoded before the end
# Planes of the form that NV12 has, in studio range: 4:2:0 of 8 bits.
_LIKE_NV12 = ("nv12", "yuv420p")


class PyAVReader:
    """An av.container on an address.

    Frames are in their own size, upright, and in NV12 where that is only another order of what the
    stream holds.

    Args:
        name: of the source, without a password.
        target: an address, or a camera's number (Linux: /dev/videoN).
        silence_ms: how long it may take to open, and until the next packet.

    Raises:
        InputError: it cannot be opened, or has no video.
    """

    name = "pyav"

    def __init__(self, name: str, target: str | int, silence_ms: int = SILENCE_MS) -> None:
        import av

        require("av", av.__version__, "pip install --upgrade av")
        self._source = name
        self._av = av
        self._index = 0
        self._failed = 0  # packets in a row
        self._lost = False  # whether a packet could not be decoded since the last frame
        device = isinstance(target, int)
        address = f"/dev/video{target}" if device else str(target)
        form = "v4l2" if device else None
        try:
            self._container: Any = av.open(
                address,
                options=_options_of(address),
                format=form,
                timeout=(silence_ms / 1000, silence_ms / 1000),
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise InputError(
                f"{name}: cannot be opened: {_reason(error)}: is the address right and the device "
                "or server reachable?"
            ) from error
        try:
            stream = self._container.streams.video[0]
        except IndexError:
            self._container.close()
            raise InputError(f"{name}: has no video: is the address right?") from None
        # Decoding by frames would hold back as many as there are threads.
        stream.thread_type = "SLICE"
        self.decoder = str(stream.codec_context.codec.name)
        self.without_times = self._container.format.name in ("mpjpeg", "mjpeg", "image2pipe")
        self._base = stream.time_base
        self._frames = self._decoded(stream)

    def _decoded(self, stream: Any) -> Iterator[Any]:
        for packet in self._container.demux(stream):
            try:
                frames = packet.decode()
            except self._av.error.InvalidDataError:
                self._failed += 1
                self._lost = True
                if self._failed == _TRIES:
                    raise
                continue
            for frame in frames:
                self._failed = 0
                # A frame that leans on one that was lost: the decoder guesses what it held.
                if getattr(frame, "is_corrupt", False):
                    self._lost = True
                    continue
                yield frame

    def read(self) -> Shot:
        asked = time.monotonic()
        try:
            frame = next(self._frames, None)
            if frame is not None:
                pixels, form = _pixels_of(frame)
        except (self._av.FFmpegError, OSError, ValueError) as error:
            raise InputError(
                f"{self._source}: no more images after {self._index} frames: {_reason(error)}"
            ) from error
        if frame is None:
            raise InputError(
                f"{self._source}: no more images after {self._index} frames: "
                "the camera or stream has gone"
            )
        waited_ms = (time.monotonic() - asked) * 1000
        position = 0.0 if frame.pts is None else float(1000 * frame.pts * self._base)
        damaged, self._lost = self._lost and self._index > 0, False
        self._index += 1
        return Shot(pixels, form, position, waited_ms, damaged)

    def close(self) -> None:
        self._container.close()


def _options_of(address: str) -> dict[str, str]:
    """TCP for RTSP: over UDP images tear where packets are lost. A short look at the stream before
    it is played: FFmpeg looks for 5 seconds where the rate is not announced."""
    options = {"analyzeduration": "200000"}
    if address.startswith(("rtsp://", "rtsps://")):
        options["rtsp_flags"] = "prefer_tcp"
        options["allowed_media_types"] = "video"
    return options


def _pixels_of(frame: Any) -> tuple[NDArray[np.uint8], str]:
    """The frame's pixels and their format."""
    turn = -int(getattr(frame, "rotation", 0)) % 360
    even = frame.width % 2 == 0 and frame.height % 2 == 0
    if turn or not even or frame.format.name not in _LIKE_NV12 or _is_full_range(frame):
        return turned(frame.to_ndarray(format="bgr24"), turn), "bgr"
    # By hand: swscale would take a second pass where a copy is enough.
    pixels: NDArray[np.uint8] = np.empty((frame.height * 3 // 2, frame.width), np.uint8)
    pixels[: frame.height] = _plane(frame.planes[0], frame.height, frame.width)
    chroma = pixels[frame.height :]
    if frame.format.name == "nv12":
        chroma[:] = _plane(frame.planes[1], frame.height // 2, frame.width)
    else:
        chroma[:, 0::2] = _plane(frame.planes[1], frame.height // 2, frame.width // 2)
        chroma[:, 1::2] = _plane(frame.planes[2], frame.height // 2, frame.width // 2)
    return pixels, "nv12"


def _plane(plane: Any, height: int, width: int) -> NDArray[np.uint8]:
    """uint8 [height, width]: a view of the decoder's memory."""
    rows = np.frombuffer(plane, np.uint8)
    return rows[: height * plane.line_size].reshape(height, plane.line_size)[:, :width]


def _is_full_range(frame: Any) -> bool:
    return int(getattr(frame, "color_range", 0) or 0) == 2  # AVCOL_RANGE_JPEG


def _reason(error: Exception) -> str:
    """What FFmpeg says, without the number of the error and the address."""
    text = getattr(error, "strerror", None) or reason(error)
    return reason(ValueError(re.sub(r"^\[Errno -?\d+\] ", "", str(text))))
