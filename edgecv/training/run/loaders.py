"""Loaders of training and validation images."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Dataset

from edgecv_runtime import InputError, read_image

from .epoch_order import EpochOrder, Place, drawn_from


class Items(Protocol):
    """A data set whose length is known."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


def training_loader(
    images: Items,
    batch_size: int,
    collate: Callable[[list[Any]], Any] | None,
    workers: int,
) -> DataLoader[Any]:
    """Shuffles. Images fewer than a batch are repeated until they fill one; `batch_for` gives sizes
    for which that is a single image at most."""
    items = _Training(images, repeats=-(-batch_size // len(images)))
    return DataLoader(
        items,
        batch_size,
        sampler=EpochOrder(len(items)),
        generator=torch.Generator(),  # not the one that training draws from
        drop_last=True,  # a last batch of one image would spoil batch norm's statistics
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=collate,
        multiprocessing_context=start_method(workers),
    )


def batch_for(
    images: int, requested: int | None, default: int, least: int = 1
) -> tuple[int, str | None]:
    """The batch size of a data set, and a note for the user if it is another than is usual.

    Args:
        images: how many there are to train on.
        requested: what the user wants; None: `default`, or less where there are fewer images.
        least: 2 for a network whose batch norm needs more than one image.

    Raises:
        InputError: `requested` is less than `least`, or more than there are images.
    """
    if requested is not None and requested < least:
        raise InputError(
            f"a batch of one image: batch norm needs at least two; use `batch_size={least}`"
        )
    if images < least:
        return least, f"1 training image: a batch holds it {least} times, as batch norm needs"
    if requested is None:
        size = min(default, images)
        note = f"{images} training images: the batch size is {size}, not {default}"
        return size, note if size < default else None
    if requested > images:
        raise InputError(
            f"{images} training images are fewer than a batch of {requested}; use a smaller "
            "`batch_size`"
        )
    return requested, None


def needs_two(module: nn.Module) -> int:
    """The least number of images in a batch: 2 if batch norm measures them."""
    return 2 if any(isinstance(part, nn.BatchNorm2d) for part in module.modules()) else 1


def validation_loader(images: Sequence[Path], workers: int) -> DataLoader[Any]:
    """Gives each image by itself, in order, uint8 [H, W, 3] BGR."""
    # The collate function keeps arrays as they are; the default one makes tensors of them.
    return DataLoader(
        _Reading(_Images(images)),
        batch_size=None,
        collate_fn=_same,
        num_workers=min(workers, 1),
        multiprocessing_context=start_method(workers),
    )


def start_method(workers: int) -> Any:
    """How worker processes start: from a server that has no threads, as Python 3.14 does.

    A fork of this process would copy the locks that threads of PyTorch, OpenCV and ONNX Runtime
    hold, and may wait for them forever (Python 3.13 warns of it). So data sets and collate
    functions have to be picklable. The server imports PyTorch once, for all workers of a run;
    where there is none (Windows), each worker does.
    """
    if workers == 0:
        return None
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["edgecv.training.run.loaders"])
    return context


class ReadError(InputError):
    """Says what is wrong with a file, in one line.

    torch's loader raises a worker's exception again with the text of its traceback, and in the
    main process as it is.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text.rpartition(f"{type(self).__name__}: ")[2].strip())


class _Reading(Dataset[Any]):
    """The same items; what cannot be read is a `ReadError`."""

    def __init__(self, items: Items) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        try:
            return self.items[index]
        except InputError as error:
            raise ReadError(str(error)) from None


class _Training(Dataset[Any]):
    """The same items, `repeats` times, each augmented with random numbers of its own."""

    def __init__(self, items: Items, repeats: int) -> None:
        self.items = _Reading(items)
        self.repeats = max(repeats, 1)

    def __len__(self) -> int:
        return len(self.items) * self.repeats

    def __getitem__(self, place: Place) -> Any:
        index, seed = place
        with drawn_from(seed):
            return self.items[index % len(self.items)]


class _Images(Dataset[NDArray[np.uint8]]):
    def __init__(self, images: Sequence[Path]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return read_image(self.images[index])


def _same(image: Any) -> Any:
    return image
