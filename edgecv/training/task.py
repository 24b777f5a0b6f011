"""Detection training as a LightningModule: losses, schedule, averaged weights, validation."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from edgecv.data.instances import InstanceBatch
from edgecv.data.minibatch import Minibatch
from edgecv.data.records import DetectionData
from edgecv.models.heads import in_head

from .batch_norm import recompute_statistics
from .detector import TorchDetector
from .metrics import Detected, Precision, average_precision

WEIGHT_DECAY = 0.05
EMA_DECAY = 0.998
WARMUP_STEPS = 100
FINAL_LEARNING_RATE = 0.01  # of the highest one
STATISTICS_BATCHES = 12  # of an epoch, for the batch norm of the averaged weights
HEAD_FACTOR = 10  # learning rate of a new head over that of a pretrained trunk


class DetectionTask(pl.LightningModule):
    """Trains a torchvision-style detector; `average` holds the weights that are validated and kept.

    Args:
        module: made by `registry.create`; `record` is its input record.
        validation: the images for the COCO metric, labels as indices of `labels`.
        learning_rate: the highest one, of the trunk if `pretrained`.
        pretrained: the head learns HEAD_FACTOR times as fast as the trunk, and where batches are
            small (images of different sizes) batch norm keeps the statistics it came with.
    """

    def __init__(
        self,
        module: nn.Module,
        record: dict[str, Any],
        validation: DetectionData,
        learning_rate: float,
        pretrained: bool,
    ) -> None:
        super().__init__()
        self.module = module
        self.average = AveragedModel(module, avg_fn=_average, use_buffers=True)
        self.average.eval()
        self.record = record
        self.validation = validation
        self.learning_rate = learning_rate
        self.pretrained = pretrained
        self.precision: Precision | None = None  # of the last validation
        small_batches = record["resize"] == "shortest_edge"
        self.fixed_statistics = pretrained and small_batches
        self.measured_statistics = not pretrained and small_batches
        self._recent: deque[list[Tensor]] = deque(maxlen=STATISTICS_BATCHES)
        self.loss_names: list[str] = []  # as the module names them
        self._detected: list[Detected] = []

    def train(self, mode: bool = True) -> DetectionTask:
        super().train(mode)
        self.average.eval()
        if self.fixed_statistics:
            for part in self.module.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eval()
        return self

    def training_step(self, batch: Minibatch | InstanceBatch, _index: int) -> Tensor:
        images = [image.float() / 255 for image in batch.images]
        if self.measured_statistics:
            self._recent.append(images)
        losses: dict[str, Tensor] = self.module(images, batch.targets())
        self.loss_names = list(losses)
        total = torch.stack(list(losses.values())).sum()
        size = len(images)
        self.log("loss", total, on_step=False, on_epoch=True, prog_bar=True, batch_size=size)
        for name, value in losses.items():
            self.log(name, value, on_step=False, on_epoch=True, batch_size=size)
        return total

    def on_train_batch_end(self, *_: Any) -> None:
        self.average.update_parameters(self.module)
        if self.measured_statistics and self.trainer.is_last_batch:
            recompute_statistics(self.average.module, self._recent)

    def on_validation_epoch_start(self) -> None:
        self._detected = []
        self._detector = TorchDetector(self.average.module, self.record)

    def validation_step(self, image: NDArray[np.uint8], _index: int) -> None:
        self._detected.append(self._detector(image))

    def on_validation_epoch_end(self) -> None:
        if self.trainer.sanity_checking:
            return
        data = self.validation
        self.precision = average_precision(data.records, self._detected, data.labels)
        # NaN only where the split has no object at all; 0 keeps checkpoints comparable.
        self.log("map", _finite(self.precision.map), batch_size=1)
        self.log("map50", _finite(self.precision.map50), prog_bar=True, batch_size=1)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """For the optimizer: trunk and head, each with and without weight decay."""
        groups: list[dict[str, Any]] = []
        for head in (False, True):
            factor = HEAD_FACTOR if self.pretrained and head else 1
            for decays in (False, True):
                parameters = [
                    p
                    for name, p in self.module.named_parameters()
                    if p.requires_grad
                    and in_head(self.module, name) == head
                    # Biases and batch norm's weights are not decayed.
                    and (p.ndim > 1) == decays
                ]
                if parameters:
                    groups.append(
                        {
                            "params": parameters,
                            "lr": self.learning_rate * factor,
                            "weight_decay": WEIGHT_DECAY if decays else 0.0,
                        }
                    )
        return groups

    def configure_optimizers(self) -> dict[str, Any]:
        optimizer = torch.optim.AdamW(self.parameter_groups())
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def _average(averaged: Tensor, current: Tensor, updates: Tensor | int) -> Tensor:
    # Short memory at first, so that the initial weights are soon forgotten.
    count = float(updates)
    decay = min(EMA_DECAY, (1 + count) / (10 + count))
    return averaged + (current - averaged) * (1 - decay)


def _rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine."""
    warmup = min(WARMUP_STEPS, max(steps // 10, 1))
    if step < warmup:
        return (step + 1) / warmup
    progress = min((step - warmup) / max(steps - warmup, 1), 1.0)
    cosine = (1 + math.cos(math.pi * progress)) / 2
    return FINAL_LEARNING_RATE + (1 - FINAL_LEARNING_RATE) * cosine


def _finite(value: float) -> float:
    return 0.0 if math.isnan(value) else value
