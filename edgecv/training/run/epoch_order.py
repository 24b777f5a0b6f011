"""Random numbers of a run, from its seed and the epoch alone: a resumed run gives the same result
as one that was not interrupted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

Place = tuple[int, int]  # index of an item, seed of its augmentation


class EpochOrder(Sampler[Place]):
    """All items of a data set, in another order in each epoch.

    Args:
        size: how many there are.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.seed = 0
        self.epoch = 0

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Place]:
        numbers = np.random.default_rng((self.seed, self.epoch))
        order = numbers.permutation(self.size)
        seeds = numbers.integers(1 << 62, size=self.size)
        return iter(list(zip(order.tolist(), seeds.tolist(), strict=True)))


class EpochSeeds(pl.Callback):
    """Sets the order of the loader, and the seed of all that is drawn in training, for each epoch.

    Args:
        loader: of the training images.
        seed: of the run.
        epochs_done: by a run that goes on.
    """

    def __init__(self, loader: DataLoader[Any], seed: int, epochs_done: int) -> None:
        assert isinstance(loader.sampler, EpochOrder)
        self.order = loader.sampler
        # Lightning begins to read the first epoch before it says that it starts.
        self.order.seed, self.order.epoch = seed, epochs_done

    def on_train_epoch_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        self.order.epoch = trainer.current_epoch
        numbers = np.random.default_rng((self.order.seed, trainer.current_epoch, 1))
        pl.seed_everything(int(numbers.integers(1 << 32)), verbose=False)


@contextlib.contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """A block that draws from a seed of its own, and leaves the numbers outside as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
