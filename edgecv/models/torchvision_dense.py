"""torchvision's RetinaNet and FCOS."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import nn
from torchvision.models import detection

from .architecture.input_record import transform_input
from .architecture.record import Architecture, published_by_torchvision
from .registry import register

_PUBLISHED: dict[str, Any] = {
    "retinanet_resnet50_fpn": detection.RetinaNet_ResNet50_FPN_Weights,
    "retinanet_resnet50_fpn_v2": detection.RetinaNet_ResNet50_FPN_V2_Weights,
    "fcos_resnet50_fpn": detection.FCOS_ResNet50_FPN_Weights,
}
# torchvision's pretrained models of these names add nothing to the variances of their batch norms.
_WITHOUT_EPS = ("retinanet_resnet50_fpn",)
# Only the last layer knows the classes.
_LOGITS = "head.classification_head.cls_logits"
# The first score of every class of every anchor. With 0.5, the many anchors on the background would
# outweigh the rest (focal loss, arXiv 1708.02002, section 4.1).
_PRIOR = 0.01


def _start_head(module: nn.Module) -> None:
    """As torchvision starts it."""
    logits: Any = module.get_submodule(_LOGITS)
    nn.init.normal_(logits.weight, std=0.01)
    nn.init.constant_(logits.bias, -math.log((1 - _PRIOR) / _PRIOR))


def _architecture(name: str, weights: Any) -> Architecture:
    torchvisions: Callable[..., nn.Module] = getattr(detection, name)

    def build(num_classes: int, **arguments: Any) -> nn.Module:
        """`arguments` go to torchvision's builder (min_size, max_size, score_thresh, ...)."""
        return torchvisions(
            weights=None, weights_backbone=None, num_classes=num_classes, **arguments
        )

    return Architecture(
        name,
        "detect",
        build,
        transform_input,
        published_by_torchvision(weights.DEFAULT),
        head_layers=(f"{_LOGITS}.",),
        start_head=_start_head,
        frozen_norm_eps=0.0 if name in _WITHOUT_EPS else None,
    )


for _name, _weights in _PUBLISHED.items():
    register(_architecture(_name, _weights))
