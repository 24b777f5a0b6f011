"""Which parts of a detector depend on its classes, and how they start anew."""

from __future__ import annotations

from torch import nn
from torchvision.models.detection.roi_heads import RoIHeads

# A two-stage detector keeps its box and mask heads: only the last layers know the classes.
_PREDICTORS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.")


def in_head(module: nn.Module, parameter: str) -> bool:
    """Whether a parameter, by its name, belongs to the part that new classes replace."""
    two_stage = isinstance(getattr(module, "roi_heads", None), RoIHeads)
    return parameter.startswith(_PREDICTORS if two_stage else "head.")


def predicts_masks(module: nn.Module) -> bool:
    """Whether the detector has a mask branch."""
    heads = getattr(module, "roi_heads", None)
    return isinstance(heads, RoIHeads) and heads.has_mask()


def initialise_head(module: nn.Module) -> None:
    """Xavier's uniform weights, biases zero."""
    for name, part in module.named_modules():
        if in_head(module, f"{name}.") and isinstance(
            part, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
        ):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
