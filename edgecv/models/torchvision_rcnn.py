"""torchvision's Faster R-CNN and Mask R-CNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torchvision.models import detection

from .architecture.heads import PREDICTORS
from .architecture.input_record import transform_input
from .architecture.record import Architecture, published_by_torchvision
from .registry import register

_PUBLISHED: dict[str, Any] = {
    "fasterrcnn_resnet50_fpn": detection.FasterRCNN_ResNet50_FPN_Weights,
    "fasterrcnn_resnet50_fpn_v2": detection.FasterRCNN_ResNet50_FPN_V2_Weights,
    "fasterrcnn_mobilenet_v3_large_fpn": detection.FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    "fasterrcnn_mobilenet_v3_large_320_fpn": (
        detection.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights
    ),
    "maskrcnn_resnet50_fpn": detection.MaskRCNN_ResNet50_FPN_Weights,
    "maskrcnn_resnet50_fpn_v2": detection.MaskRCNN_ResNet50_FPN_V2_Weights,
}
# torchvision's pretrained models of these names add nothing to the variances of their batch norms.
_WITHOUT_EPS = ("fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn")


def _architecture(name: str, weights: Any) -> Architecture:
    torchvisions: Callable[..., nn.Module] = getattr(detection, name)

    def build(num_classes: int, **arguments: Any) -> nn.Module:
        """`arguments` go to torchvision's builder (min_size, max_size, box_score_thresh, ...)."""
        return torchvisions(
            weights=None, weights_backbone=None, num_classes=num_classes, **arguments
        )

    return Architecture(
        name,
        "instance" if "mask" in name else "detect",
        build,
        transform_input,
        published_by_torchvision(weights.DEFAULT),
        head_layers=PREDICTORS,
        frozen_norm_eps=0.0 if name in _WITHOUT_EPS else None,
    )


for _name, _weights in _PUBLISHED.items():
    register(_architecture(_name, _weights))
