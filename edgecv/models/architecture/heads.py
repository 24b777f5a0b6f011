"""Which parts of a network depend on its classes, and how they start anew."""

from __future__ import annotations

import functools
import math
from typing import Any

from torch import nn
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection.roi_heads import RoIHeads

from .. import registry

# A two-stage detector keeps its box and mask heads: only the last layers know the classes.
_PREDICTORS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.")
# Of a dense detector, the one layer.
_LOGITS = "head.classification_head.cls_logits"
# At first every class of every anchor has this score: with 0.5 the many anchors on nothing would
# drown the rest (focal loss, arXiv 1708.02002, section 4.1).
_PRIOR = 0.01


def in_head(module: nn.Module, parameter: str) -> bool:
    """Whether a parameter, by its name, belongs to the part that new classes replace."""
    return parameter.startswith(_head_prefixes(module))


def _head_prefixes(module: Any) -> tuple[str, ...]:
    if isinstance(getattr(module, "roi_heads", None), RoIHeads):
        return _PREDICTORS
    if isinstance(module, (RetinaNet, FCOS)):
        return (f"{_LOGITS}.",)
    if hasattr(module, "head_layers"):
        return tuple(module.head_layers())
    return ("head.",)


@functools.cache
def layers_of_classes(architecture: str) -> tuple[str, ...]:
    """Prefixes of the parameters of those layers whose shapes depend on the number of classes."""
    with registry.without_weights():
        two = registry.create(architecture, num_classes=2).state_dict()
        three = registry.create(architecture, num_classes=3).state_dict()
    differing = [key for key in two if two[key].shape != three[key].shape]
    return tuple(dict.fromkeys(f"{key.rpartition('.')[0]}." for key in differing))


def predicts_masks(module: nn.Module) -> bool:
    """Whether a detector has a mask branch."""
    heads = getattr(module, "roi_heads", None)
    return isinstance(heads, RoIHeads) and heads.has_mask()


def initialise_head(module: nn.Module) -> None:
    """Xavier's uniform weights, biases zero; what a network starts otherwise, its `finish_head`
    sets. Dense detectors start as torchvision starts them."""
    if isinstance(module, (RetinaNet, FCOS)):
        logits: Any = module.get_submodule(_LOGITS)
        nn.init.normal_(logits.weight, std=0.01)
        nn.init.constant_(logits.bias, -math.log((1 - _PRIOR) / _PRIOR))
        return
    for name, part in module.named_modules():
        if in_head(module, f"{name}.") and isinstance(
            part, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
        ):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    if hasattr(module, "finish_head"):
        module.finish_head()  # type: ignore[operator]
