"""A video file, a camera or a stream."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.sources.capture import open_file
from edgecv_runtime.sources.frames import Failure, Frame
from edgecv_runtime.sources.live.readers.opencv import OpenCVReader
from edgecv_runtime.sources.live.reading import read_live
from edgecv_runtime.sources.video_files.reading import check_opened, read_file
from edgecv_runtime.sources.waiting import in_a_thread

_FASTEST = 999.0  # frames per second, of any camera


@dataclass(frozen=True)
class Video:
    """A video file, a camera or a stream, opened when the iteration begins."""

    name: str  # shown: an address without its password
    target: str | int  # what OpenCV opens: a path, an address, a camera's number, a pipeline
    live: bool  # without an end of its own
    gstreamer: bool = False

    def __iter__(self) -> Iterator[Frame | Failure]:
        if self.live or self.remote:
            return in_a_thread(self._read)
        return self._read()

    @property
    def remote(self) -> bool:
        """Whether it comes over a network."""
        return isinstance(self.target, str) and not self.gstreamer and "://" in self.target

    def _read(self) -> Generator[Frame | Failure, None, None]:
        if self.live:
            return read_live(
                self.name, lambda: OpenCVReader(self.name, self.target, self.gstreamer)
            )
        return read_file(self.name, str(self.target), self.remote)

    def probe(self) -> tuple[float | None, int | None]:
        """Frames per second and number of frames as the file announces them, else None.

        Often estimates: the number of frames may be too large by any factor. Of a live source and
        of a file on a server nothing is known before it is read.
        """
        if self.live or self.remote:
            return None, None
        cv2 = import_cv2()
        capture = check_opened(open_file(str(self.target)), self.name, str(self.target))
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        count = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        if rate > _FASTEST:  # a container's clock, not a rate, and the number is made from it
            return rate, None
        return rate if rate > 0 else None, int(count) if count > 0 else None
