"""Batch norm of averaged weights: statistics measured again, as torch's `update_bn` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import nn

Batch = TypeVar("Batch")


@torch.no_grad()
def recompute_statistics(
    backbone: nn.Module, run: Callable[[Batch], object], batches: Iterable[Batch]
) -> None:
    """Sets the statistics of the backbone's batch norms to those of these images.

    Averages of weights and averages of statistics do not belong together: in a deep backbone at a
    high learning rate, far fewer objects are found (Mask R-CNN on 102 images after 375 steps:
    mAP@0.5 of 0.47 with averaged statistics, 0.56 with these).

    Args:
        backbone: in evaluation mode; every batch norm in it is measured.
        run: passes one batch through the backbone.
        batches: what `run` takes.
    """
    norms = [part for part in backbone.modules() if isinstance(part, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    for batch in batches:
        run(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
