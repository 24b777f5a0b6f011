"""The network of a segmentation model: what gives logits of pixels, as one module."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torchvision.models.segmentation.lraspp import LRASPP

from edgecv_export.graphs.probe import segmentation_logits


class HeadOnly(nn.Module):
    """torchvision's segmentation models without their last step, the resize to the image."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.backbone = module.backbone
        self.classifier = module.classifier
        self.takes_all = isinstance(module, LRASPP)

    def forward(self, images: Tensor) -> Tensor:
        features = self.backbone(images)
        logits: Tensor = self.classifier(features if self.takes_all else features["out"])
        return logits


class Logits(nn.Module):
    """A module that gives logits, or a dict with them in "out"."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        logits = segmentation_logits(self.module(images))
        assert logits is not None
        return logits
