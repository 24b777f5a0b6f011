"""The user's images for calibration."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from edgecv_runtime import InputError, read_image
from edgecv_runtime.sources import Images, resolve_source

MOST = 256  # ranges hardly change after a few hundred
HELD_OUT = 4  # one image in so many is for the gate
FEW = 16  # fewer serve both


class CalibrationImages(Sequence[npt.NDArray[np.uint8]]):
    """Files, read when they are asked for: uint8 [H, W, 3] BGR."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> CalibrationImages: ...
    def __getitem__(self, index: int | slice) -> npt.NDArray[np.uint8] | CalibrationImages:
        if isinstance(index, slice):
            return CalibrationImages(self.paths[index])
        return read_image(self.paths[index])


def read_calibration(folder: str | os.PathLike[str], most: int = MOST) -> CalibrationImages:
    """The images of a folder, at most ``most``, evenly spread. Each that cannot be read is named
    in a warning and left out.

    Raises InputError where there is no folder, or no image in it that can be read.
    """
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder; expected images to calibrate on")
    paths = [
        path
        for part in resolve_source([os.fspath(folder)])
        if isinstance(part, Images)
        for path in part.paths
    ]
    if not paths:
        raise InputError(f"{folder}: holds no images; expected a few hundred to calibrate on")
    if len(paths) > most:
        paths = [paths[i * len(paths) // most] for i in range(most)]
    readable = []
    for path in paths:
        try:
            read_image(path)
        except InputError as error:
            warnings.warn(f"{error}; it is left out", stacklevel=2)
            continue
        readable.append(path)
    if not readable:
        raise InputError(f"{folder}: none of its {len(paths)} images can be read")
    return CalibrationImages(readable)


def hold_out(
    images: Sequence[npt.NDArray[np.uint8]],
) -> tuple[Sequence[npt.NDArray[np.uint8]], Sequence[npt.NDArray[np.uint8]]]:
    """Images to calibrate on, and others to compare results on: one in four, or the same where
    there are fewer than 16."""
    if len(images) < FEW:
        return images, images
    if isinstance(images, CalibrationImages):
        rest = [path for i, path in enumerate(images.paths) if i % HELD_OUT != 0]
        return CalibrationImages(rest), CalibrationImages(images.paths[::HELD_OUT])
    return [p for i, p in enumerate(images) if i % HELD_OUT != 0], images[::HELD_OUT]
