"""What every reader of live sources has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame as a reader gives it."""

    pixels: NDArray[np.uint8]  # [H, W, 3] in BGR; [H * 3 / 2, W] in NV12
    format: str  # "bgr" or "nv12"
    position_ms: float  # by the stream's own clock; 0 where it has none
    waited_ms: float  # how long the reader waited for it
    damaged: bool = False  # whether something before it could not be decoded


class Reader(Protocol):
    """An open camera or stream. One thread opens, reads and closes it."""

    name: str  # "opencv", "pyav" or "gstreamer"
    decoder: str  # what decodes, such as "h264" or "nvv4l2decoder"; "" where that is not known
    without_times: bool  # whether the stream has no clock, so that position_ms is made up

    def read(self) -> Shot:
        """The next frame.

        It returns or raises within the deadline that the reader was opened with, or about that.

        Raises:
            InputError: the camera has gone, is silent for too long, or sends what cannot be
                decoded; the reader is to be closed.
        """
        ...

    def close(self) -> None:
        """Gives the camera back. The reader reads no more."""
        ...
