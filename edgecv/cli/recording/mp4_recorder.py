"""Writes an MP4 that can be read at any time while it grows: in fragments, of a second or less.

OpenCV's writer puts the index of an MP4 at its end and takes no options for another form. So its
encoder's stream comes through a pipe, and the file is written here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import threading
import time
from array import array
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgecv.cli.recording.matroska_packets import Codec, Packet, read_stream
from edgecv.cli.recording.mp4_boxes import FILE_TYPE, Samples, Track, fragment, movie, wide_data
from edgecv_runtime.files.whole import temporary_folder

_PIPE_BYTES = 1 << 20  # what waits while the disk is busy, about 20 frames of 720p
_SYNC_S = 5.0  # a power cut costs the frames of so many seconds


class Mp4Recorder:
    """Takes frames, uint8 [height, width, 3] BGR, until it is closed. `finish` then makes an MP4
    with one index of what is readable up to there in fragments.

    Args:
        path: of a file that is there, and empty.
        encoder: of OpenCV, that writes to `stream`.
        stream: Matroska.
        size: height and width.
        rate: frames per second.
    """

    def __init__(
        self, path: Path, encoder: Any, stream: BinaryIO, size: tuple[int, int], rate: float
    ) -> None:
        self._encoder = encoder
        self._stream = stream
        self._size = size
        self._rate = encoded_rate(rate)
        self._file = path.open("r+b", buffering=0)
        self._track: Track | None = None
        self._sizes, self._keys, self._shifts = array("I"), array("B"), array("i")
        self._chunks: list[tuple[int, int]] = []  # how many samples, where
        self._first_ms = 0
        self._end = 0  # of the last whole fragment
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="edgecv-recorder", daemon=True)
        self._thread.start()

    @property
    def frames(self) -> int:
        """How many the file holds."""
        return len(self._sizes)

    def write(self, image: NDArray[np.uint8]) -> None:
        """Raises what `raise_error` does, sooner or later."""
        self.raise_error()
        self._encoder.write(image)

    def close(self) -> None:
        """Everything that was written is in the file. May be called twice."""
        self._encoder.release()
        self._thread.join()
        self._file.close()

    def finish(self, path: Path) -> None:
        """Puts an index behind what is in the file at `path`, which `close` has closed.

        Raises OSError; then the file is as it was.
        """
        assert self._track is not None
        samples = Samples(self._sizes, self._keys, self._shifts)
        with path.open("r+b", buffering=0) as file:
            try:
                file.seek(self._end)
                _write(file, movie(self._track, samples, self._chunks))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(self._end)
                raise
            # The fragments' own heads become a part of the data, in one step.
            file.seek(len(FILE_TYPE))
            _write(file, wide_data(self._end - len(FILE_TYPE)))

    def raise_error(self) -> None:
        """OSError if the file could not be written, ValueError if the stream could not be read."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        synced = time.monotonic()
        try:
            for item in read_stream(self._stream):
                if isinstance(item, Codec):
                    height, width = self._size
                    self._track = Track(item.name, item.private, width, height, self._rate)
                else:
                    self._append(item)
                    if time.monotonic() > synced + _SYNC_S:
                        os.fsync(self._file.fileno())
                        synced = time.monotonic()
        except Exception as error:  # raised where frames are written
            self._error = error
            if isinstance(error, OSError):
                self._file.truncate(self._end)
        finally:
            with self._stream:
                while self._stream.read(1 << 16):  # the encoder would wait for ever
                    pass

    def _append(self, packets: list[Packet]) -> None:
        if self._track is None:
            raise ValueError("frames before the track they are of")
        if not packets:
            return
        if not self._sizes:
            self._first_ms = packets[0].time_ms
        before = len(self._sizes)
        samples = Samples(
            [len(packet.data) for packet in packets],
            [packet.key for packet in packets],
            [self._place(packet) - before - at for at, packet in enumerate(packets)],
        )
        start = b""
        if not before:
            # With frames between frames: two, as encoders of H.264 announce, where one would do.
            delay = max(2, -min(samples.shifts)) if any(samples.shifts) else 0
            self._track = replace(self._track, delay=delay)
            start = FILE_TYPE + movie(self._track)
        head = start + fragment(self._track, len(self._chunks) + 1, before, samples)
        data = b"".join([head, *(packet.data for packet in packets)])
        _write(self._file, data)
        self._chunks.append((len(packets), self._end + len(head)))
        self._end += len(data)
        self._shifts.extend(samples.shifts)
        self._keys.extend(samples.keys)
        self._sizes.extend(samples.sizes)

    def _place(self, packet: Packet) -> int:
        """The number of a frame in the order in which they are shown."""
        return round((packet.time_ms - self._first_ms) * self._rate / 1000)


def encoded_rate(rate: float) -> Fraction:
    """Frames per second as OpenCV's writer rounds them: by less than 0.001, to few digits."""
    found, digits = Fraction(int(rate + 0.5)), 1
    while abs(float(found) - rate) > 0.001:
        digits *= 10
        found = Fraction(int(rate * digits + 0.5), digits)
    return found


def open_recorder(path: Path, codec: str, size: tuple[int, int], rate: float) -> Mp4Recorder | None:
    """A recorder that fills the empty file at `path`. None where OpenCV has no encoder for it.

    Args:
        path: of the file.
        codec: its four letters.
        size: height and width.
        rate: frames per second.
    """
    import cv2

    with temporary_folder() as folder:
        pipe = str(folder / "stream.mkv")  # OpenCV chooses the container by it
        os.mkfifo(pipe)
        handle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # waits for no one who writes
        stream = os.fdopen(handle, "rb")
        letters = cv2.VideoWriter.fourcc(*codec)
        encoder = cv2.VideoWriter(pipe, cv2.CAP_FFMPEG, letters, rate, (size[1], size[0]))
        if not encoder.isOpened():
            stream.close()
            return None
        os.set_blocking(handle, True)
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # more than the system allows
                fcntl.fcntl(handle, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return Mp4Recorder(path, encoder, stream, size, rate)


def _write(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
