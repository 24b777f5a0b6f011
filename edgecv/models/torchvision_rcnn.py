"""torchvision's Faster R-CNN and Mask R-CNN, with the input record read from the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torchvision.models import detection
from torchvision.models.detection import FasterRCNN

from .architecture.input_record import input_record
from .registry import register

_PUBLISHED = {
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


def _register(name: str, published: Any) -> None:
    def fetch() -> dict[str, Tensor]:
        return dict(published.DEFAULT.get_state_dict(progress=True, check_hash=True))

    build: Callable[..., FasterRCNN] = getattr(detection, name)

    @register(name, default_weights=fetch, task="instance" if "mask" in name else "detect")
    def builder(num_classes: int, **arguments: Any) -> FasterRCNN:
        """`arguments` go to torchvision's builder (min_size, max_size, box_score_thresh, ...)."""
        module = build(weights=None, weights_backbone=None, num_classes=num_classes, **arguments)
        module.input = input_record(module.transform)
        if name in _WITHOUT_EPS:
            module.frozen_norm_eps = 0.0
        return module


for _name, _weights in _PUBLISHED.items():
    _register(_name, _weights)
