"""The network of a dense detector: backbone, pyramid and head, as one module."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.fcos import FCOSClassificationHead
from torchvision.models.detection.retinanet import RetinaNetClassificationHead

# torchvision's heads with one convolution for all levels.
_HEADS = (RetinaNetClassificationHead, FCOSClassificationHead)


def feature_maps(backbone: nn.Module, images: Tensor) -> list[Tensor]:
    with torch.set_grad_enabled(torch.is_grad_enabled() and backbone.training):
        features = backbone(images)
    return [features] if isinstance(features, Tensor) else list(features.values())


class DenseNetwork(nn.Module):
    def __init__(self, detector: Any, first_class: int) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.head, self.first_column = _without_columns(detector.head, first_class)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        outputs = self.head(feature_maps(self.backbone, images))
        logits = outputs["cls_logits"][..., self.first_column :]
        if "bbox_ctrness" in outputs:
            return logits, outputs["bbox_regression"], outputs["bbox_ctrness"]
        return logits, outputs["bbox_regression"]


def _without_columns(head: Any, count: int) -> tuple[nn.Module, int]:
    """The head without its first ``count`` classes, or the head itself and how many columns are
    still to be cut off: cutting weights costs nothing at run time, cutting logits copies them."""
    part = head.classification_head
    if count == 0 or type(part) not in _HEADS:
        return head, count
    head = copy.deepcopy(head)
    part = head.classification_head
    old: nn.Conv2d = part.cls_logits
    new = copy.copy(old)
    new._parameters = dict(old._parameters)
    for name in ("weight", "bias"):
        values = getattr(old, name)
        # [anchors * classes, ...] -> [anchors, classes, ...], without the first classes
        rows = values.detach().unflatten(0, (-1, part.num_classes))[:, count:]
        setattr(new, name, nn.Parameter(rows.flatten(0, 1).clone(), requires_grad=False))
    new.out_channels = new.weight.shape[0]
    part.cls_logits = new
    part.num_classes -= count
    return head, 0
