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
    """Learns to give images one style; validated by the same losses on other images."""

    curves: ClassVar[dict[str, str]] = {"validation": "loss (validation)"}
    curves_axis: ClassVar[str] = "loss"
    curves_range: ClassVar[tuple[float | None, float | None]] = (0.0, None)

    def __init__(self, module: nn.Module, loss: StyleLoss, learning_rate: float) -> None:
        super().__init__(module, learning_rate, pretrained=False)
        self.loss = loss
        self.stylized: list[tuple[Tensor, Tensor]] = []  # image and result of the last validation
        self._totals: list[float] = []

    def better(self, metrics: dict[str, float], best: dict[str, float]) -> bool:
        return metrics["validation"] <= best["validation"]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # In runs of earlier versions the weights of `loss.backbone` are called `loss.trunk`.
        weights = checkpoint["state_dict"]
        for name in [name for name in weights if name.startswith("loss.trunk.")]:
            weights[name.replace("loss.trunk.", "loss.backbone.", 1)] = weights.pop(name)

    def train(self, mode: bool = True) -> StyleTask:
        super().train(mode)
        self.loss.eval()
        return self

    def training_step(self, batch: Tensor, _index: int) -> Tensor:
        images = batch.float()  # [B, 3, h, w], 0..255
        stylized = self.module(images)[..., : images.shape[2], : images.shape[3]]
        losses = self.loss(stylized / 255, self.loss.contents(images / 255))
        return self.log_losses(losses, len(images))

    def on_validation_epoch_start(self) -> None:
        self._totals, self.stylized = [], []

    def validation_step(self, image: NDArray[np.uint8], _index: int) -> None:
        content = to_tensor(image, LONGEST_VALIDATED)[None].to(self.device)
        if (scale := SMALLEST_STYLE / min(content.shape[2:])) > 1:  # too small for the backbone
            content = F.interpolate(content, scale_factor=scale, mode="bilinear")
        stylized = self.kept(content * 255)[..., : content.shape[2], : content.shape[3]] / 255
        losses = self.loss(stylized, self.loss.contents(content))
        self._totals.append(float(torch.stack(list(losses.values())).sum()))
        self.stylized.append((content[0].cpu(), stylized[0].clamp(0, 1).cpu()))

    def on_validation_epoch_end(self) -> None:
        if not self.trainer.sanity_checking:
            self.metrics = {"validation": float(np.mean(self._totals))}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """One, without weight decay: the scale of a normalised convolution means nothing, and the
        last one's levels are the image's."""
        return [
            {
                "params": list(self.module.parameters()),
                "lr": self.learning_rate,
                "weight_decay": 0.0,
            }
        ]
