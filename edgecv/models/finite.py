"""Weights that are no numbers: those of a training that diverged."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from edgecv_runtime import InputError


def not_finite(weights: Mapping[str, Tensor]) -> str | None:
    """The first name whose tensor holds NaN or infinity, None if there is none."""
    for name, value in weights.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            return name
    return None


def require_finite(weights: Mapping[str, Tensor], source: str) -> None:
    """Raises InputError if a tensor holds NaN or infinity.

    Args:
        weights: a state dict.
        source: the file or model they are from, for the message.
    """
    name = not_finite(weights)
    if name is not None:
        raise _diverged(name, source)


def require_finite_module(module: nn.Module, source: str) -> None:
    """The same for a module, of whose buffers only NaN is refused: masks of attention hold
    infinities."""
    require_finite(dict(module.named_parameters()), source)
    for name, value in module.named_buffers():
        if bool(torch.isnan(value).any()):
            raise _diverged(name, source)


def _diverged(name: str, source: str) -> InputError:
    return InputError(
        f"{source}: {name} holds NaN or infinity: the training that made these weights diverged; "
        "use a checkpoint of an earlier epoch, or train again with a lower learning rate"
    )
