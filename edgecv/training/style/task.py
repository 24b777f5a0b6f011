"""Training of a style network as a LightningModule."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..run.task import TrainingTask
from .losses import SMALLEST_STYLE, StyleLoss, to_tensor

LONGEST_VALIDATED = 512  # pixels


class StyleTask(TrainingTask):
    """Learns to paint photos in one style; validated by the same losses on photos kept back."""

    curves: ClassVar[dict[str, str]] = {"validation": "loss (validation)"}
    curves_axis: ClassVar[str] = "loss"
    curves_range: ClassVar[tuple[float | None, float | None]] = (0.0, None)

    def __init__(self, module: nn.Module, loss: StyleLoss, learning_rate: float) -> None:
        super().__init__(module, learning_rate, pretrained=False)
        self.loss = loss
        self.painted: list[tuple[Tensor, Tensor]] = []  # photo and result of the last validation
        self._totals: list[float] = []

    def better(self, figures: dict[str, float], best: dict[str, float]) -> bool:
        return figures["validation"] <= best["validation"]

    def train(self, mode: bool = True) -> StyleTask:
        super().train(mode)
        self.loss.eval()
        return self

    def training_step(self, batch: Tensor, _index: int) -> Tensor:
        photos = batch.float()  # [B, 3, h, w], 0..255
        painted = self.module(photos)[..., : photos.shape[2], : photos.shape[3]]
        losses = self.loss(painted / 255, self.loss.contents(photos / 255))
        return self.log_losses(losses, len(photos))

    def on_validation_epoch_start(self) -> None:
        self._totals, self.painted = [], []

    def validation_step(self, image: NDArray[np.uint8], _index: int) -> None:
        photo = to_tensor(image, LONGEST_VALIDATED)[None].to(self.device)
        if (scale := SMALLEST_STYLE / min(photo.shape[2:])) > 1:  # too small for the trunk
            photo = F.interpolate(photo, scale_factor=scale, mode="bilinear")
        painted = self.kept(photo * 255)[..., : photo.shape[2], : photo.shape[3]] / 255
        losses = self.loss(painted, self.loss.contents(photo))
        self._totals.append(float(torch.stack(list(losses.values())).sum()))
        self.painted.append((photo[0].cpu(), painted[0].clamp(0, 1).cpu()))

    def on_validation_epoch_end(self) -> None:
        if not self.trainer.sanity_checking:
            self.figures = {"validation": float(np.mean(self._totals))}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """One, without weight decay: the scale of a normalised convolution means nothing, and the
        last one's levels are the picture's."""
        return [
            {
                "params": list(self.module.parameters()),
                "lr": self.learning_rate,
                "weight_decay": 0.0,
            }
        ]
