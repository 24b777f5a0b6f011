"""The fully convolutional network of the course this project began with (arXiv 1411.4038).

A ResNet-18 without its pooling and its classifier, a 1×1 convolution to the classes, and one
transposed convolution back to the pixels, which starts as bilinear upsampling.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import ResNet18_Weights, resnet18

from .architecture.heads import xavier
from .architecture.input_record import native_record
from .architecture.record import Architecture, own_input, published_by_torchvision
from .architecture.windows import WindowPlan
from .registry import register

STRIDE = 32  # of the backbone
CROP = (320, 480)  # what the course trains on and predicts


class FcnResnet18(nn.Module):
    """Takes float32 [B, 3, H, W], normalised; gives logits float32 [B, C, H, W].

    Args:
        num_classes: C; every column is a class.
        crop: (height, width) of a window: images are covered with windows, whose logits are
            averaged where they overlap. Multiples of 32.
        overlap: of neighbouring windows, as a part of their sides, 0 or more and below 1.
    """

    def __init__(
        self, num_classes: int, crop: list[int] | None = None, overlap: float = 0.25
    ) -> None:
        super().__init__()
        height, width = crop or CROP
        if min(height, width) < STRIDE or height % STRIDE or width % STRIDE:
            raise ValueError(f"expected a crop in multiples of {STRIDE}, got {height}x{width}")
        if not 0 <= overlap < 1:
            raise ValueError(f"expected an overlap of 0 or more and below 1, got {overlap}")
        parts = OrderedDict(resnet18(weights=None).named_children())
        for unused in ("avgpool", "fc"):
            del parts[unused]
        self.backbone = nn.Sequential(parts)
        classify = nn.Conv2d(512, num_classes, 1)
        nn.init.xavier_uniform_(classify.weight)
        self.head: Any = nn.Sequential(
            OrderedDict(
                classify=classify,
                upsample=nn.ConvTranspose2d(
                    num_classes, num_classes, 2 * STRIDE, stride=STRIDE, padding=STRIDE // 2
                ),
            )
        )
        self.finish_head()
        weights = ResNet18_Weights.DEFAULT.transforms()
        self.input = native_record(weights.mean, weights.std)
        self.windows: WindowPlan = {
            "size": [height, width],
            "overlap": overlap,
            "weight": "uniform",
            "batch": 4,
        }

    def finish_head(self) -> None:
        """The transposed convolution starts as bilinear upsampling."""
        layer = self.head.upsample
        with torch.no_grad():
            layer.weight.copy_(bilinear_kernel(*layer.weight.shape[:3]))
            layer.bias.zero_()

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        logits: Tensor = self.head(self.backbone(images))
        # A side that is not a multiple of 32 ends inside the last cell.
        return logits[..., :height, :width]


def bilinear_kernel(in_channels: int, out_channels: int, size: int) -> Tensor:
    """Weights of a transposed convolution that upsamples each channel bilinearly.

    float32 [in_channels, out_channels, size, size]; channels other than a channel's own are 0. With
    `size` 2s, stride s and padding s / 2 the image becomes s times as large.
    """
    factor = (size + 1) // 2
    center = factor - 1.0 if size % 2 == 1 else factor - 0.5
    side = 1 - (torch.arange(size) - center).abs() / factor  # [size]
    weight = torch.zeros(in_channels, out_channels, size, size)
    own = torch.arange(min(in_channels, out_channels))
    weight[own, own] = side[:, None] * side
    return weight


def _start_head(module: FcnResnet18) -> None:
    xavier(module.head)
    module.finish_head()


register(
    Architecture(
        "fcn_resnet18",
        "segment",
        FcnResnet18,
        own_input,
        published_by_torchvision(ResNet18_Weights.DEFAULT),  # of the backbone
        start_head=_start_head,
        backbone_prefix="backbone.",
    )
)
