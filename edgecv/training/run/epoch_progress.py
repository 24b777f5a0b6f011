"""Progress of an epoch, on the bars of the caller."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl

from .progress import Bar, MakeBar


class EpochProgress(pl.Callback):
    """A bar for the training of each epoch, with the loss of its last step, and one for its
    validation."""

    def __init__(self, make: MakeBar) -> None:
        self._make = make
        self._bar: Bar | None = None

    def _begin(self, trainer: pl.Trainer, steps: int, unit: str, part: str) -> None:
        self._end()
        title = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}{part}"
        self._bar = self._make(steps, unit, title)

    def _end(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def on_train_epoch_start(self, trainer: pl.Trainer, _task: pl.LightningModule) -> None:
        self._begin(trainer, int(trainer.num_training_batches), "step", "")

    def on_train_batch_end(
        self, trainer: pl.Trainer, _task: pl.LightningModule, outputs: Any, *_: Any
    ) -> None:
        if self._bar is not None:
            self._bar.update(note=f"loss {float(outputs['loss']):.3f}")
        if trainer.is_last_batch:
            self._end()

    def on_validation_epoch_start(self, trainer: pl.Trainer, _task: pl.LightningModule) -> None:
        self._begin(trainer, int(sum(trainer.num_val_batches)), "image", ", validation")

    def on_validation_batch_end(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.update()

    on_validation_epoch_end = _end
    on_exception = _end
