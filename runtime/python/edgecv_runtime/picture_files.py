"""Pictures written to files, whatever OpenCV can encode."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.opencv import import_cv2


def save_picture(path: str | os.PathLike[str], image: NDArray[np.uint8]) -> None:
    """Writes uint8 [H, W, 3] BGR (or [H, W]) in the format of the suffix.

    Raises:
        InputError: no format of that suffix.
        EngineError: OpenCV is not installed.
        OSError: the file cannot be written.
    """
    path = Path(path)
    cv2 = import_cv2()
    if not cv2.haveImageWriter(path.name):
        raise InputError(f"{path}: expected a suffix such as .jpg, .png or .json")
    ok, data = cv2.imencode(path.suffix, image)
    if not ok:
        raise InputError(f"{path}: OpenCV cannot write this picture as {path.suffix}")
    path.write_bytes(data.tobytes())
