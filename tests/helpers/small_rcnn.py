"""Small two-stage detectors put together from torchvision's parts, with little at its default."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign

CHANNELS = 16
CLASSES = 5  # with the background


class Backbone(nn.Module):
    """Feature maps at strides 8, 16 and 32, under names of its own."""

    out_channels = CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(*_block(3, 8), *_block(8, 12), *_block(12, CHANNELS))
        self.middle = nn.Sequential(*_block(CHANNELS, CHANNELS))
        self.coarse = nn.Sequential(*_block(CHANNELS, CHANNELS))

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        fine = self.fine(images)
        middle = self.middle(fine)
        return OrderedDict(fine=fine, middle=middle, coarse=self.coarse(middle))


class SingleBackbone(Backbone):
    """The feature map at stride 16 alone."""

    def forward(self, images: Tensor) -> Tensor:  # type: ignore[override]
        return self.middle(self.fine(images))


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def _arguments(sampling_ratio: int, backbone: nn.Module) -> dict[str, Any]:
    single = isinstance(backbone, SingleBackbone)
    levels = 1 if single else 3
    return {
        "min_size": 96,
        "max_size": 160,
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.25, 0.3],
        "rpn_anchor_generator": AnchorGenerator(
            ((16.0, 24.0), (32.0, 40.0), (64.0, 90.0))[:levels], ((0.6, 1.0, 1.9),) * levels
        ),
        "rpn_head": RPNHead(CHANNELS, 6),
        "rpn_pre_nms_top_n_test": 60,
        "rpn_post_nms_top_n_test": 50,
        "rpn_nms_thresh": 0.65,
        "rpn_score_thresh": 0.02,
        # The coarsest map is the proposal network's alone.
        "box_roi_pool": MultiScaleRoIAlign(
            ["0"] if single else ["fine", "middle"],
            output_size=(5, 4),
            sampling_ratio=sampling_ratio,
            canonical_scale=40,
            canonical_level=3,
        ),
        "box_head": TwoMLPHead(CHANNELS * 5 * 4, 24),
        "box_predictor": FastRCNNPredictor(24, CLASSES),
        "box_score_thresh": 0.07,
        "box_nms_thresh": 0.45,
        "box_detections_per_img": 40,
        "bbox_reg_weights": (9.0, 11.0, 4.0, 6.0),
    }


def make_faster(sampling_ratio: int = 2, backbone: type[nn.Module] = Backbone) -> FasterRCNN:
    made = backbone()
    return FasterRCNN(made, **_arguments(sampling_ratio, made))


def make_mask(sampling_ratio: int = 2) -> MaskRCNN:
    backbone = Backbone()
    return MaskRCNN(
        backbone,
        **_arguments(sampling_ratio, backbone),
        mask_roi_pool=MultiScaleRoIAlign(
            ["fine", "middle"],
            output_size=7,
            sampling_ratio=sampling_ratio,
            canonical_scale=40,
            canonical_level=3,
        ),
        mask_head=MaskRCNNHeads(CHANNELS, (CHANNELS,), dilation=1),
        mask_predictor=MaskRCNNPredictor(CHANNELS, CHANNELS, CLASSES),
    )
