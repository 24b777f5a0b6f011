"""Detection on large images, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecv_runtime import _core
from edgecv_runtime._core import InputError


@dataclass(frozen=True)
class Tiles:
    """How a detector cuts images into tiles: ``model.tiles = Tiles(640)``.

    Each tile goes through the whole pipeline as an image of its own, so objects that would be too
    small in the image as a whole keep their pixels. The detections of one object from several
    tiles are merged; see docs/tiles.md for the rule.

    Attributes:
        size: height and width of a tile, in pixels of the image; one number for a square. A tile
            larger than the image is cut to it.
        overlap: of neighbouring tiles, a part of their size, 0 to below 1; best a little more than
            the usual object. Placed as :func:`edgecv.ops.sliding_windows` places windows.
        whole: run the whole image as well, for objects larger than a tile.
        match_threshold: detections of two tiles are one object if they overlap by more than this,
            above 0 to 1.
        batch: tiles that share a run of the network, one-stage detectors only.
    """

    size: int | tuple[int, int]
    overlap: float = 0.2
    whole: bool = False
    match_threshold: float = 0.5
    batch: int = 4

    def __post_init__(self) -> None:
        """Raises InputError for values that no image can be cut by."""
        if self.batch < 1:
            raise InputError(f"batch: expected at least 1, got {self.batch}")
        self.windows((1, 1))

    def spec(self) -> _core.TileSpec:
        """As the core takes it."""
        height, width = self.size if isinstance(self.size, tuple) else (self.size, self.size)
        return _core.TileSpec((height, width), self.overlap, self.whole, self.match_threshold)

    def windows(self, image_size: tuple[int, int]) -> npt.NDArray[np.int64]:
        """The tiles of an image of ``image_size`` (height, width): int64 [T, 4], xyxy, row by row;
        with ``whole`` the image itself comes last, unless it is the only tile."""
        return _core.tiles_of(self.spec(), image_size)
