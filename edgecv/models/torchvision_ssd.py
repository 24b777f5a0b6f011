"""torchvision's SSD300 and SSDlite320."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torchvision.models import detection

from .architecture.input_record import transform_input
from .architecture.record import Architecture, published_by_torchvision
from .registry import register

_PUBLISHED: dict[str, Any] = {
    "ssd300_vgg16": detection.SSD300_VGG16_Weights,
    "ssdlite320_mobilenet_v3_large": detection.SSDLite320_MobileNet_V3_Large_Weights,
}


def _architecture(name: str, weights: Any) -> Architecture:
    torchvisions: Callable[..., nn.Module] = getattr(detection, name)

    def build(num_classes: int, **arguments: Any) -> nn.Module:
        """`arguments` go to torchvision's builder (score_thresh, nms_thresh, ...)."""
        return torchvisions(
            weights=None, weights_backbone=None, num_classes=num_classes, **arguments
        )

    published = published_by_torchvision(weights.DEFAULT)
    return Architecture(name, "detect", build, transform_input, published)


for _name, _weights in _PUBLISHED.items():
    register(_architecture(_name, _weights))
