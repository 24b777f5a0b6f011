"""torchvision's FCN, DeepLabV3 and LR-ASPP: whole images of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torchvision.models import segmentation

from .architecture.input_record import InputRecord, native_record
from .architecture.record import Architecture, published_by_torchvision
from .registry import register

_PUBLISHED: dict[str, Any] = {
    "fcn_resnet50": segmentation.FCN_ResNet50_Weights,
    "fcn_resnet101": segmentation.FCN_ResNet101_Weights,
    "deeplabv3_resnet50": segmentation.DeepLabV3_ResNet50_Weights,
    "deeplabv3_resnet101": segmentation.DeepLabV3_ResNet101_Weights,
    "deeplabv3_mobilenet_v3_large": segmentation.DeepLabV3_MobileNet_V3_Large_Weights,
    "lraspp_mobilenet_v3_large": segmentation.LRASPP_MobileNet_V3_Large_Weights,
}


def _architecture(name: str, weights: Any) -> Architecture:
    preset = weights.DEFAULT.transforms()
    torchvisions: Callable[..., nn.Module] = getattr(segmentation, name)

    def build(num_classes: int, **arguments: Any) -> nn.Module:
        """`num_classes`: as torchvision counts, every column of the logits a class. `arguments` go
        to torchvision's builder."""
        extra = {} if name.startswith("lraspp") else {"aux_loss": True}
        return torchvisions(
            weights=None, weights_backbone=None, num_classes=num_classes, **(extra | arguments)
        )

    def record(_module: nn.Module, _arguments: dict[str, Any]) -> InputRecord:
        return native_record(preset.mean, preset.std)

    return Architecture(
        name,
        "segment",
        build,
        record,
        published_by_torchvision(weights.DEFAULT),
        head_layers=None,
        backbone_prefix="backbone.",
        # A second classifier, on an earlier feature map. No graph has it.
        training_only=("aux_classifier.",),
    )


for _name, _weights in _PUBLISHED.items():
    register(_architecture(_name, _weights))
