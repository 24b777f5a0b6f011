"""NV12 images: the luma plane, and under it the interleaved chroma plane of half its size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.opencv import import_cv2


def size_of_nv12(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width of the image in uint8 [H * 3 / 2, W]."""
    return pixels.shape[0] // 3 * 2, pixels.shape[1]


def bgr_of_nv12(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] BGR of uint8 [H * 3 / 2, W] (BT.601, studio range), with the arithmetic of
    the core."""
    cv2 = import_cv2()
    image: NDArray[np.uint8] = cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_NV12)
    return image
