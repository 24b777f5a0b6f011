"""A small SSD put together from torchvision's parts, with nothing at its default."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD


class Backbone(nn.Module):
    """Three feature maps at strides 8, 16 and 32."""

    out_channels = (16, 24, 24)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*self._block(3, 8), *self._block(8, 12), *self._block(12, 16))
        self.middle = nn.Sequential(*self._block(16, 24))
        self.last = nn.Sequential(*self._block(24, 24))

    @staticmethod
    def _block(inputs: int, outputs: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        stem = self.stem(images)
        middle = self.middle(stem)
        return OrderedDict(a=stem, b=middle, c=self.last(middle))


class ShiftedAnchors(DefaultBoxGenerator):
    """Anchors that no parameter of the manifest describes: all moved by three pixels."""

    def forward(self, image_list, feature_maps):
        return [anchors + 3 for anchors in super().forward(image_list, feature_maps)]


def make_detector(
    num_classes: int = 5,
    generator: type = DefaultBoxGenerator,
    size: tuple[int, int] = (160, 96),
) -> SSD:
    """Input 96 high and 160 wide, unless `size` says another width and height."""
    detector = SSD(
        Backbone(),
        generator([[2], [2, 3], [3]], scales=[0.15, 0.35, 0.6, 0.9], clip=False),
        size=size,
        num_classes=num_classes,
        image_mean=[0.4, 0.5, 0.6],
        image_std=[0.2, 0.25, 0.3],
        score_thresh=0.05,
        nms_thresh=0.6,
        detections_per_img=90,
        topk_candidates=50,
    )
    detector.box_coder.weights = (8.0, 9.0, 4.0, 5.0)
    return detector


def make_seeded() -> SSD:
    torch.manual_seed(3)
    return make_detector()


not_callable = 5
