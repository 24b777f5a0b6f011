"""What the training of every task shares: optimizer, schedule, averaged weights, metrics."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar, TypeVar

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from edgecv.models.architecture.heads import in_head
from edgecv.models.weights.usable import not_finite

from .batch_norm import recompute_statistics
from .divergence import LossGuard, diverged

Inputs = TypeVar("Inputs")

WEIGHT_DECAY = 0.05
EMA_DECAY = 0.998
WARMUP_STEPS = 100
FINAL_LEARNING_RATE = 0.01  # of the highest one
STATISTICS_BATCHES = 12  # of an epoch, for the batch norm of the averaged weights
NOTHING = 5e-4  # a metric in 0..1 below it is shown as 0.000
HEAD_FACTOR = 10  # learning rate of a new head over that of a pretrained backbone


class TrainingTask(pl.LightningModule):
    """Trains `module` with AdamW; `kept` holds the weights that are validated and saved.

    A subclass gives `training_step`, the validation steps, and the class attributes below. After a
    validation it sets `metrics`, one value for each name in `curves`, and may set `facts`.

    Args:
        module: made by `registry.create`.
        learning_rate: the highest one, of the backbone if `pretrained`.
        pretrained: the head learns HEAD_FACTOR times as fast as the backbone.
        measured_statistics: whether batch norms of the averaged weights are measured again before
            each validation, on inputs that `remember` was given.
    """

    curves: ClassVar[dict[str, str]]  # name of a metric -> its name for a reader
    curves_axis: ClassVar[str]  # what the metrics are
    curves_range: ClassVar[tuple[float | None, float | None]] = (0.0, 1.0)

    def __init__(
        self,
        module: nn.Module,
        learning_rate: float,
        pretrained: bool,
        measured_statistics: bool = False,
    ) -> None:
        super().__init__()
        self.module = module
        self.average = AveragedModel(module, avg_fn=_average, use_buffers=True)
        self.average.eval()
        self.learning_rate = learning_rate
        self.pretrained = pretrained
        self.measured_statistics = measured_statistics
        self._recent: deque[Any] = deque(maxlen=STATISTICS_BATCHES)
        self._guard = LossGuard()
        # Of the last validation, until `RunFiles` takes them.
        self.metrics: dict[str, float] | None = None
        self.facts: dict[str, Any] = {}  # plain values for the checkpoint
        self.loss_names: list[str] = []  # of the parts, where there are several

    @property
    def kept(self) -> nn.Module:
        return self.average.module

    @property
    def columns(self) -> list[str]:
        """Names of the metrics that this run will give."""
        return list(self.curves)

    def better(self, metrics: dict[str, float], best: dict[str, float]) -> bool:
        """Whether a validation beats the best one so far, or is as good and has learnt for longer:
        by the first metric, higher is better."""
        name = next(iter(self.curves))
        return counted(metrics[name]) >= counted(best[name])

    def describe(self, metrics: dict[str, Any]) -> str:
        """The metrics in one phrase."""
        return "  ".join(f"{self.curves[name]} {metrics[name]:.3f}" for name in self.columns)

    def train(self, mode: bool = True) -> TrainingTask:
        super().train(mode)
        self.average.eval()
        return self

    def log_losses(self, losses: dict[str, Tensor], size: int) -> Tensor:
        """Their sum, each noted under its name if there are several; `size` images."""
        total = torch.stack(list(losses.values())).sum()
        self.log("loss", total, on_step=False, on_epoch=True, prog_bar=True, batch_size=size)
        if len(losses) > 1:
            self.loss_names = list(losses)
            for name, value in losses.items():
                self.log(name, value, on_step=False, on_epoch=True, batch_size=size)
        return total

    def remember(self, inputs: Inputs) -> Inputs:
        """Keeps the inputs on which `run_backbone` measures the averaged weights."""
        if self.measured_statistics:
            self._recent.append(inputs)
        return inputs

    def run_backbone(self, inputs: Any) -> None:
        """Passes one batch through the averaged weights."""
        self.average.module(inputs)

    def on_before_backward(self, loss: Tensor) -> None:
        """Ends the run where the loss shows that it has diverged."""
        step = self.trainer.fit_loop.epoch_loop.batch_idx + 1
        self._guard.check(float(loss.detach()), self.current_epoch + 1, step, self._rate_now())

    def on_train_epoch_start(self) -> None:
        # A resumed run has no inputs of the epochs before, and has to give the same.
        self._recent.clear()

    def on_train_batch_end(self, *_: Any) -> None:
        self.average.update_parameters(self.module)
        if not self.trainer.is_last_batch:
            return
        if self.measured_statistics and self._kept_now():
            recompute_statistics(self.average.module, self.run_backbone, self._recent)
        # The last step's loss does not show what that step did. Nothing of this epoch is saved yet.
        broken = not_finite(self.average.module.state_dict())
        if broken is not None:
            what = f"after its last step: {broken} of the weights holds NaN or infinity"
            raise diverged(what, self.current_epoch + 1, self._rate_now())

    def _rate_now(self) -> float:
        """The highest learning rate of the step."""
        return max(float(group["lr"]) for group in self.trainer.optimizers[0].param_groups)

    def _kept_now(self) -> bool:
        """Whether this epoch is validated, or the last."""
        done = self.current_epoch + 1
        return done % self.trainer.check_val_every_n_epoch == 0 or done == self.trainer.max_epochs

    def parameter_groups(self) -> list[dict[str, Any]]:
        """For the optimizer: backbone and head, each with and without weight decay."""
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


def counted(metric: float) -> float:
    """A metric for comparison: what is shown as 0.000 is luck, and counts as zero."""
    return metric if metric >= NOTHING else 0.0


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
