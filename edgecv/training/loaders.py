"""Loaders of training and validation images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from edgecv_runtime import InputError, read_image


def training_loader(
    images: Dataset[Any],
    batch_size: int,
    collate: Callable[[list[Any]], Any] | None,
    workers: int,
) -> DataLoader[Any]:
    """Shuffles. Raises InputError if there are fewer images than a batch has."""
    count = len(images)  # type: ignore[arg-type]
    if count < batch_size:
        raise InputError(
            f"{count} training images are fewer than a batch of {batch_size}; "
            "use a smaller --batch-size"
        )
    return DataLoader(
        images,
        batch_size,
        shuffle=True,
        drop_last=True,  # a last batch of one image would spoil batch norm's statistics
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=collate,
    )


def require_batch(size: int) -> int:
    """Raises InputError unless batch norm can measure a batch."""
    if size < 2:
        raise InputError("a batch of one image: batch norm needs at least two; use --batch-size 2")
    return size


def validation_loader(images: Sequence[Path], workers: int) -> DataLoader[Any]:
    """Gives each image by itself, in order, uint8 [H, W, 3] BGR."""
    # The collate function keeps arrays as they are; the default one makes tensors of them.
    return DataLoader(
        _Pictures(images), batch_size=None, collate_fn=_same, num_workers=min(workers, 1)
    )


class _Pictures(Dataset[NDArray[np.uint8]]):
    def __init__(self, images: Sequence[Path]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return read_image(self.images[index])


def _same(picture: Any) -> Any:
    return picture
