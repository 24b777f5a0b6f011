"""torchvision's segmentation families on a small backbone, as a user's module would make them."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3
from torchvision.models.segmentation.fcn import FCN, FCNHead
from torchvision.models.segmentation.lraspp import LRASPP

CLASSES = 5


def _stage(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()
    )


def _trunk(layers: dict[str, str]) -> nn.Module:
    stages = {"a": (3, 8, 2), "b": (8, 16, 2), "c": (16, 24, 2), "d": (24, 32, 1)}
    parts = nn.ModuleDict({name: _stage(*shape) for name, shape in stages.items()})
    return IntermediateLayerGetter(parts, layers)


def make_fcn() -> FCN:
    return FCN(_trunk({"d": "out", "c": "aux"}), FCNHead(32, CLASSES), FCNHead(24, CLASSES))


def make_deeplab() -> DeepLabV3:
    return DeepLabV3(_trunk({"d": "out"}), DeepLabHead(32, CLASSES, (2, 3, 4)))


def make_lraspp() -> LRASPP:
    return LRASPP(_trunk({"b": "low", "d": "high"}), 16, 32, CLASSES, inter_channels=16)


class Plain(nn.Module):
    """A stranger's network that gives a tensor at half the size of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(_stage(3, 8, 2), nn.Conv2d(8, CLASSES, 1))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.body(images)
        return logits
