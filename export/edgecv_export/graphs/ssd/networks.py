"""The network of an SSD as one module. torchvision's heads give a dict, ssd_tiny's a pair."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torchvision.models.detection.ssd import SSD


def head_outputs(outputs: Any) -> tuple[Tensor, Tensor]:
    """Logits [B, A, C + 1], background first, and deltas [B, A, 4]."""
    if isinstance(outputs, dict):
        return outputs["cls_logits"], outputs["bbox_regression"]
    logits, deltas = outputs
    return logits, deltas


def as_head_outputs(outputs: Any, logits: Tensor, deltas: Tensor) -> Any:
    """Other logits and deltas in the form of the outputs given."""
    if isinstance(outputs, dict):
        return {**outputs, "cls_logits": logits, "bbox_regression": deltas}
    return logits, deltas


class TorchvisionNetwork(nn.Module):
    def __init__(self, detector: SSD) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.head = detector.head

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return head_outputs(self.head(feature_maps(self.backbone, images)))


class SsdTinyNetwork(nn.Module):
    detector: Any

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        outputs: tuple[Tensor, Tensor] = self.detector.forward_head(images)
        return outputs


def feature_maps(backbone: nn.Module, images: Tensor) -> list[Tensor]:
    features = backbone(images)
    return [features] if isinstance(features, Tensor) else list(features.values())
