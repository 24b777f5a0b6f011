"""torchvision's RetinaNet and FCOS, with the input record read from the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torchvision.models import detection

from .architecture.input_record import input_record
from .registry import register

_PUBLISHED = {
    "retinanet_resnet50_fpn": detection.RetinaNet_ResNet50_FPN_Weights,
    "retinanet_resnet50_fpn_v2": detection.RetinaNet_ResNet50_FPN_V2_Weights,
    "fcos_resnet50_fpn": detection.FCOS_ResNet50_FPN_Weights,
}
# torchvision's pretrained models of these names add nothing to the variances of their batch norms.
_WITHOUT_EPS = ("retinanet_resnet50_fpn",)


def _register(name: str, published: Any) -> None:
    def fetch() -> dict[str, Tensor]:
        return dict(published.DEFAULT.get_state_dict(progress=True, check_hash=True))

    build: Callable[..., nn.Module] = getattr(detection, name)

    @register(name, default_weights=fetch)
    def builder(num_classes: int, **arguments: Any) -> nn.Module:
        """`arguments` go to torchvision's builder (min_size, max_size, score_thresh, ...)."""
        module: Any = build(
            weights=None, weights_backbone=None, num_classes=num_classes, **arguments
        )
        module.input = input_record(module.transform)
        if name in _WITHOUT_EPS:
            module.frozen_norm_eps = 0.0
        result: nn.Module = module
        return result


for _name, _weights in _PUBLISHED.items():
    _register(_name, _weights)
