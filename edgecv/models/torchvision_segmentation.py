"""torchvision's FCN, DeepLabV3 and LR-ASPP: whole pictures of any size."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torchvision.models import segmentation

from . import registry
from .architecture.heads import layers_of_classes
from .architecture.input_record import native_record

_PUBLISHED: dict[str, Any] = {
    "fcn_resnet50": segmentation.FCN_ResNet50_Weights,
    "fcn_resnet101": segmentation.FCN_ResNet101_Weights,
    "deeplabv3_resnet50": segmentation.DeepLabV3_ResNet50_Weights,
    "deeplabv3_resnet101": segmentation.DeepLabV3_ResNet101_Weights,
    "deeplabv3_mobilenet_v3_large": segmentation.DeepLabV3_MobileNet_V3_Large_Weights,
    "lraspp_mobilenet_v3_large": segmentation.LRASPP_MobileNet_V3_Large_Weights,
}
# Those that learn with a second classifier, on an earlier feature map; it is in no graph.
_AUXILIARY = "aux_classifier."


def _register(name: str, published: Any) -> None:
    preset = published.DEFAULT.transforms()
    build: Callable[..., nn.Module] = getattr(segmentation, name)

    def fetch() -> dict[str, Tensor]:
        return dict(published.DEFAULT.get_state_dict(progress=True, check_hash=True))

    @registry.register(name, default_weights=fetch, task="segment")
    def builder(num_classes: int, **arguments: Any) -> nn.Module:
        """`num_classes`: as torchvision counts, every column of the logits a class. `arguments` go
        to torchvision's builder."""
        extra = {} if name.startswith("lraspp") else {"aux_loss": True}
        module = build(
            weights=None, weights_backbone=None, num_classes=num_classes, **(extra | arguments)
        )
        module.input = native_record(preset.mean, preset.std)  # type: ignore[assignment]
        module.training_only = (_AUXILIARY,)  # type: ignore[assignment]
        module.trunk_prefix = "backbone."  # type: ignore[assignment]
        module.head_layers = _head_layers  # type: ignore[assignment]
        return module

    _head_layers = functools.partial(layers_of_classes, name)


for _name, _weights in _PUBLISHED.items():
    _register(_name, _weights)
