"""torchvision's SSD300 and SSDlite320, with the input record read from the object."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torchvision.models import detection
from torchvision.models.detection.ssd import SSD

from .architecture.input_record import input_record
from .registry import register


def _ssd300_weights() -> dict[str, Tensor]:
    weights = detection.SSD300_VGG16_Weights.DEFAULT
    return dict(weights.get_state_dict(progress=True, check_hash=True))


def _ssdlite320_weights() -> dict[str, Tensor]:
    weights = detection.SSDLite320_MobileNet_V3_Large_Weights.DEFAULT
    return dict(weights.get_state_dict(progress=True, check_hash=True))


@register("ssd300_vgg16", default_weights=_ssd300_weights)
def ssd300_vgg16(num_classes: int, **arguments: Any) -> SSD:
    """`arguments` go to torchvision's builder (score_thresh, nms_thresh, ...)."""
    module = detection.ssd300_vgg16(
        weights=None, weights_backbone=None, num_classes=num_classes, **arguments
    )
    module.input = input_record(module.transform)
    return module


@register("ssdlite320_mobilenet_v3_large", default_weights=_ssdlite320_weights)
def ssdlite320_mobilenet_v3_large(num_classes: int, **arguments: Any) -> SSD:
    """`arguments` go to torchvision's builder (score_thresh, nms_thresh, ...)."""
    module = detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=num_classes, **arguments
    )
    module.input = input_record(module.transform)
    return module
