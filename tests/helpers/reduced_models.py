"""A reduced-width model of every family: few channels, and all else as in full-size ones."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead
from torchvision.models.segmentation.deeplabv3 import ASPP, DeepLabV3
from torchvision.models.segmentation.fcn import FCN, FCNHead
from torchvision.models.segmentation.lraspp import LRASPP

from edgecv.models import registry
from helpers import small_dense, small_rcnn
from helpers import small_ssd as small_detector

CLASSES = 5


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class _Features(nn.Module):
    """Feature maps of a segmentation network at strides 4 and 8."""

    def __init__(self, low: str | None = None) -> None:
        super().__init__()
        self.first = nn.Sequential(_block(3, 8), _block(8, 12))
        self.second = _block(12, 16)
        self.low = low

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        low = self.first(images)
        high = self.second(low)
        if self.low is None:
            return OrderedDict(out=high)
        return OrderedDict(low=low, high=high)


def make_classifier() -> nn.Module:
    return registry.create("mobilenet_v3_small", num_classes=CLASSES, size=[64, 96], width_mult=0.1)


def make_ssd_tiny() -> nn.Module:
    return registry.create("ssd_tiny", num_classes=CLASSES, size=(64, 96), width=4)


def make_ssdlite() -> nn.Module:
    backbone = small_detector.Backbone()
    generator = DefaultBoxGenerator([[2], [2, 3], [3]], scales=[0.15, 0.35, 0.6, 0.9])
    anchors = generator.num_anchors_per_location()
    head = SSDLiteHead(list(backbone.out_channels), anchors, CLASSES, nn.BatchNorm2d)
    return SSD(backbone, generator, size=(96, 64), num_classes=CLASSES, head=head)


def make_fcn_resnet18() -> nn.Module:
    module: Any = registry.create("fcn_resnet18", num_classes=CLASSES, crop=[32, 64])
    module.backbone = nn.Sequential(_block(3, 8), *(_block(8, 8) for _ in range(3)), _block(8, 16))
    module.head.classify = nn.Conv2d(16, CLASSES, 1)
    return module


def make_dense(name: str) -> nn.Module:
    """With heads of one layer, where torchvision has four: building takes long."""
    module: Any = getattr(small_dense, name)(CLASSES)
    for head in (module.head.classification_head, module.head.regression_head):
        head.conv = head.conv[: len(head.conv) // 4]
    return module


def make_deeplab() -> nn.Module:
    """The head is torchvision's DeepLabHead with 8 channels, which are 256 there."""
    last = (nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
    head = nn.Sequential(ASPP(16, (2, 4, 6), 8), *last, nn.Conv2d(8, CLASSES, 1))
    return DeepLabV3(_Features(), head)


FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "classifier": make_classifier,
    "ssd_tiny": make_ssd_tiny,
    "ssdlite": make_ssdlite,
    "ssd": lambda: small_detector.make_detector(CLASSES, size=(96, 64)),
    "retinanet": lambda: make_dense("make_retinanet"),
    "fcos": lambda: make_dense("make_fcos"),
    "faster": lambda: small_rcnn.make_faster(),
    "mask": lambda: small_rcnn.make_mask(),
    "fcn_resnet18": make_fcn_resnet18,
    "fcn": lambda: FCN(_Features(), FCNHead(16, CLASSES)),
    "deeplab": make_deeplab,
    "lraspp": lambda: LRASPP(_Features("low"), 12, 16, CLASSES, inter_channels=16),
    "style": lambda: registry.create("style_transform", width=4, blocks=1),
}


def write_reduced_bundle(
    family: str, folder: Path, prepare: Callable[[nn.Module], None] | None = None
) -> Path:
    """Exports a family with seeded weights, any batch and size that it takes; no parity check.
    `prepare` may change the weights."""
    from edgecv_export.bundle.draft import new_bundle
    from edgecv_export.exporting import write_cut
    from edgecv_export.graphs.cut import CutRequest
    from edgecv_export.graphs.families import cut_model

    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no input record: torchvision's is what is wanted
        torch.manual_seed(0)
        module = FAMILIES[family]()
        if prepare is not None:
            prepare(module)
        cut = cut_model(module, CutRequest())
    with new_bundle(folder, overwrite=False) as draft:
        labels = [f"label {index}" for index in range(cut.classes)]
        write_cut(draft, cut, labels, name=family, architecture=type(module).__name__)
    return folder
