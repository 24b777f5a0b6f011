"""Which parts of a network depend on its classes, and their first weights."""

from __future__ import annotations

import functools

from torch import nn
from torchvision.models.detection.roi_heads import RoIHeads

from .. import registry

# A two-stage detector keeps its box and mask heads: only the last layers know the classes.
PREDICTORS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.")


def in_head(module: nn.Module, parameter: str) -> bool:
    """Whether a parameter, by its name, belongs to the part that new classes replace.

    `module` was made by `registry.create`.
    """
    architecture = registry.architecture_of(module)
    layers = architecture.head_layers
    return parameter.startswith(layers_of_classes(architecture.name) if layers is None else layers)


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
    """Gives the head of a module made by `registry.create` its first weights."""
    architecture = registry.architecture_of(module)
    if architecture.start_head is not None:
        architecture.start_head(module)
        return
    for name, part in module.named_modules():
        if in_head(module, f"{name}."):
            _xavier(part)


def xavier(head: nn.Module) -> None:
    """Xavier's uniform weights and biases of zero, for all layers of a head."""
    for part in head.modules():
        _xavier(part)


def _xavier(part: nn.Module) -> None:
    if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.xavier_uniform_(part.weight)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
