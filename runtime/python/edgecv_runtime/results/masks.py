"""Instance masks, held as crops; whole frames are made on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import _core
from edgecv_runtime._core import InputError, MaskCrop


class Masks:
    """The masks of one image's instances.

    A mask of a small object is mostly background: of each one only the part inside its box is kept.

    Attributes:
        crops: of each mask ``x`` and ``y`` (upper left corner in the image, in pixels) and
            ``pixels``, uint8 [h, w] of 0 and 1; h and w may be 0.
        image_size: height and width of the image in pixels.
    """

    def __init__(self, crops: Sequence[MaskCrop], image_size: tuple[int, int]) -> None:
        height, width = image_size
        for index, crop in enumerate(crops):
            right, bottom = crop.x + crop.width, crop.y + crop.height
            if min(crop.x, crop.y) < 0 or right > width or bottom > height:
                raise InputError(
                    f"Masks: crop {index} covers x {crop.x}..{right} and y {crop.y}..{bottom}, "
                    f"outside the image of {[height, width]} (height, width)"
                )
        self.crops = list(crops)
        self.image_size = (height, width)

    @classmethod
    def from_frames(cls, frames: NDArray[np.bool_]) -> Masks:
        """Masks cut out of whole frames, bool [N, H, W]."""
        if frames.dtype != np.bool_ or frames.ndim != 3:
            raise InputError(
                f"frames: expected a bool array [N, H, W], got {frames.dtype} {list(frames.shape)}"
            )
        pixels = np.ascontiguousarray(frames).view(np.uint8)
        return cls(_core.crop_masks(pixels), (frames.shape[1], frames.shape[2]))

    def __len__(self) -> int:
        return len(self.crops)

    def __reduce__(self) -> tuple[Any, ...]:
        held = [(crop.x, crop.y, np.array(crop.pixels)) for crop in self.crops]
        return _from_arrays, (held, self.image_size)

    def __repr__(self) -> str:
        height, width = self.image_size
        return f"<Masks: {len(self)} on {width} x {height} pixels>"

    def select(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> Masks:
        """Some of the masks: bool [N], or int64 indices; the pixels are shared."""
        chosen = np.arange(len(self))[keep]
        return Masks([self.crops[index] for index in chosen], self.image_size)

    def paint(self) -> NDArray[np.bool_]:
        """Whole frames, bool [N, H, W]; a new array each time."""
        frames = np.zeros((len(self), *self.image_size), np.uint8)
        _core.draw_masks(self.crops, frames)
        return frames.view(np.bool_)

    def rle(self) -> list[dict[str, Any]]:
        """COCO's compressed run-length codes, ``{"size": [h, w], "counts": str}``.

        The strings are those of ``pycocotools.mask.encode``, which takes them, too.
        """
        height, width = self.image_size
        codes = _core.run_lengths(self.crops, height, width)
        return [{"size": [height, width], "counts": code} for code in codes]

    def polygons(self) -> list[list[NDArray[np.float32]]]:
        """The boundary of each mask as closed polygons, float32 [P, 2] of x and y.

        They run along the edges of pixels, in pixels of the image: the pixel in column x covers x
        to x + 1. A mask has one polygon for each of its parts, clockwise on the screen, and one for
        each hole, the other way round; filled by the even-odd rule they give the mask back exactly.
        """
        return _core.polygons(self.crops)


def _from_arrays(held: Sequence[Any], image_size: tuple[int, int]) -> Masks:
    """Masks as they were pickled."""
    return Masks([MaskCrop(*parts) for parts in held], image_size)
