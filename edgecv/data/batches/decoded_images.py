"""Images decoded once and kept, as far as memory allows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import read_image

# Of each loader process; images beyond it are decoded again each time.
CACHE_BYTES = 1 << 30


class DecodedImages:
    """Call it with an index for that file as uint8 [H, W, 3] RGB."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self._cache: dict[int, NDArray[np.uint8]] = {}
        self._cached_bytes = 0

    def __call__(self, index: int) -> NDArray[np.uint8]:
        if index in self._cache:
            return self._cache[index]
        rgb = np.ascontiguousarray(read_image(self.paths[index])[:, :, ::-1])
        if self._cached_bytes + rgb.nbytes <= CACHE_BYTES:
            self._cache[index] = rgb
            self._cached_bytes += rgb.nbytes
        return rgb
