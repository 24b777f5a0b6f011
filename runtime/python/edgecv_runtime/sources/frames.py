"""What a source gives: frames, and failures in the place of those that could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import Error
from edgecv_runtime.images.nv12 import bgr_of_nv12, size_of_nv12


@dataclass(frozen=True, eq=False)
class Frame:
    """One image."""

    name: str  # the file's path, or the video or camera as it was given, without a password
    pixels: NDArray[np.uint8]  # [H, W, 3] in BGR; [H * 3 / 2, W] in NV12
    index: int  # of the frame in its video, of the file among the files
    time_ms: float | None = None  # since the video's start or the camera's opening; None for files
    # Where the frame belongs in a recording: time_ms of a video; of a live stream the stream's own
    # clock, which runs evenly when frames arrive in bursts, and time_ms where it has none.
    play_ms: float | None = None
    format: str = "bgr"  # of the pixels: "bgr" or "nv12"
    captured: float | None = None  # when it was read, by time.monotonic(), in seconds
    captured_at: float | None = None  # the same by time.time()

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3], BGR; converted when it is first asked for."""
        return bgr_of_nv12(self.pixels) if self.format == "nv12" else self.pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        if self.format == "nv12":
            return size_of_nv12(self.pixels)
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True)
class Failure:
    """What stands in the place of an image that could not be read."""

    name: str
    error: Error
    index: int
