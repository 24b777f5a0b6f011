"""What a source gives: frames, and failures in the place of those that could not be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import Error


@dataclass(frozen=True, eq=False)
class Frame:
    """One image."""

    name: str  # the file's path, or the video or camera as it was given, without a password
    image: NDArray[np.uint8]  # [H, W, 3], BGR
    index: int  # of the frame in its video, of the file among the files
    time_ms: float | None = None  # since the video's start or the camera's opening; None for files
    # Where the frame belongs in a recording: time_ms of a video; of a live stream the stream's own
    # clock, which runs evenly when frames arrive in bursts, and time_ms where it has none.
    play_ms: float | None = None


@dataclass(frozen=True)
class Failure:
    """What stands in the place of an image that could not be read."""

    name: str
    error: Error
    index: int
