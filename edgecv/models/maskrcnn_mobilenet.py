"""Mask R-CNN on MobileNetV3-Large: torchvision's parts, small enough to train from scratch."""

from __future__ import annotations

from functools import partial

from torch import nn
from torchvision.models import mobilenet_v3_large
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from .architecture.heads import PREDICTORS
from .architecture.input_record import transform_input
from .architecture.record import Architecture
from .registry import register

# Blocks of `features` that end the strides 8, 16 and 32, and their channels.
STAGES = {6: 40, 12: 112, 16: 960}
LONGEST_SIDE = 1333 / 800  # over the shortest one, as in torchvision's models
# MobileNetV3's own momentum of 0.01 is for very long runs: after the few hundred steps that a small
# data set gives, the statistics are still those of the first ones, and nothing is found.
_norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.1)


def maskrcnn_mobilenet_v3_large_fpn(
    num_classes: int,
    min_size: int = 320,
    max_size: int | None = None,
    channels: int = 128,
    box_score_thresh: float = 0.05,
) -> MaskRCNN:
    """Mask R-CNN with batch norm that learns, in the backbone and in the feature pyramid.

    Args:
        num_classes: background included.
        min_size: shortest side of the network's input in pixels.
        max_size: longest side; None: 1333/800 of `min_size`.
        channels: of the feature pyramid and all heads.
        box_score_thresh: lowest score of a detection.
    """
    if min_size < 64:
        raise ValueError(f"expected a min_size of 64 or more, got {min_size}")
    if max_size is None:
        max_size = round(min_size * LONGEST_SIDE)
    backbone = BackboneWithFPN(
        mobilenet_v3_large(weights=None, norm_layer=_norm).features,
        return_layers={str(stage): str(level) for level, stage in enumerate(STAGES)},
        in_channels_list=list(STAGES.values()),
        out_channels=channels,
        extra_blocks=LastLevelMaxPool(),
        norm_layer=nn.BatchNorm2d,
    )
    # One anchor size for each level, the pooled one included; it follows the input's size.
    anchors = AnchorGenerator(
        tuple((round(min_size * part),) for part in (1 / 8, 1 / 4, 1 / 2, 1)),
        ((0.5, 1.0, 2.0),) * 4,
    )
    levels = [str(level) for level in range(len(STAGES))]
    return MaskRCNN(
        backbone,
        min_size=min_size,
        max_size=max_size,
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(channels, anchors.num_anchors_per_location()[0]),
        rpn_pre_nms_top_n_train=1000,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_train=500,
        rpn_post_nms_top_n_test=200,
        box_roi_pool=MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        box_head=TwoMLPHead(channels * 7**2, 4 * channels),
        box_predictor=FastRCNNPredictor(4 * channels, num_classes),
        box_batch_size_per_image=64,
        box_score_thresh=box_score_thresh,
        mask_roi_pool=MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
        mask_head=MaskRCNNHeads(channels, (channels,) * 4, dilation=1),
        mask_predictor=MaskRCNNPredictor(channels, channels, num_classes),
    )


register(
    Architecture(
        "maskrcnn_mobilenet_v3_large_fpn",
        "instance",
        maskrcnn_mobilenet_v3_large_fpn,
        transform_input,
        head_layers=PREDICTORS,
    )
)
