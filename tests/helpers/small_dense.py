"""Reduced-width RetinaNet and FCOS: torchvision's detectors on a small feature pyramid."""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

CHANNELS = 32  # the group norm of FCOS has 32 groups
SIZES = {"min_size": 160, "max_size": 288}


def make_backbone() -> nn.Module:
    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )

    backbone = nn.Sequential(
        block(3, 8, 4), block(8, 16, 2), block(16, 24, 2), block(24, 32, 2)
    )  # strides 4, 8, 16, 32
    return BackboneWithFPN(
        backbone,
        return_layers={"1": "0", "2": "1", "3": "2"},
        in_channels_list=[16, 24, 32],
        out_channels=CHANNELS,
        extra_blocks=LastLevelP6P7(CHANNELS, CHANNELS),
    )


def make_retinanet(num_classes: int = 5, **arguments: Any) -> RetinaNet:
    sizes = tuple((x, int(x * 1.3), int(x * 1.6)) for x in (16, 32, 64, 96, 128))
    arguments = {
        "anchor_generator": AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5),
        "score_thresh": 0.1,
        "nms_thresh": 0.4,
        "topk_candidates": 150,
        "detections_per_img": 80,
        **SIZES,
        **arguments,
    }
    return RetinaNet(make_backbone(), num_classes, **arguments)


def make_fcos(num_classes: int = 5, **arguments: Any) -> FCOS:
    arguments = {"score_thresh": 0.2, "topk_candidates": 200, **SIZES, **arguments}
    return FCOS(make_backbone(), num_classes, **arguments)
