"""Which weights can be used: dense and finite real numbers, as they were trained."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from edgecv_runtime import InputError
from edgecv_runtime.one_line import printable


def not_finite(weights: Mapping[str, Tensor]) -> str | None:
    """The first name whose tensor holds NaN or infinity; None if all are finite."""
    for name, value in weights.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            return name
    return None


def require_finite(weights: Mapping[str, Tensor], source: str) -> None:
    """Raises InputError if a tensor holds NaN or infinity, is quantized, sparse, or has no numbers.

    Args:
        weights: a state dict.
        source: the file or model they are from, for the message.
    """
    require_numbers(weights, source)
    name = not_finite(weights)
    if name is not None:
        raise _diverged(name, source)


def require_real(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: str) -> None:
    """Raises InputError where a module needs real numbers and the file has integers or complex
    numbers. torch would convert them silently; those of a quantized network mean something else."""
    for name, value in weights.items():
        own = wanted.get(name)
        if own is not None and own.is_floating_point() and not value.is_floating_point():
            kind = str(value.dtype).removeprefix("torch.")
            raise InputError(
                f"{source}: {printable(name)} is {kind}, the network's numbers are real; "
                "expected its weights as they were trained, not quantized"
            )


def require_numbers(weights: Mapping[str, Tensor], source: str) -> None:
    """Raises InputError for a tensor that is quantized, sparse, or has no numbers."""
    for name, value in weights.items():
        what = (
            "is quantized"
            if value.is_quantized
            else "is on the device meta, without numbers"
            if value.is_meta
            else f"is sparse ({str(value.layout).removeprefix('torch.')})"
            if value.layout != torch.strided
            else ""
        )
        if what:
            raise InputError(
                f"{source}: {printable(name)} {what}; expected dense numbers, the "
                "weights of the network as it was trained"
            )


def require_finite_module(module: nn.Module, source: str) -> None:
    """`require_finite` for a module. Its buffers may hold infinity, which attention masks need."""
    require_finite(dict(module.named_parameters()), source)
    for name, value in module.named_buffers():
        if bool(torch.isnan(value).any()):
            raise _diverged(name, source)


def _diverged(name: str, source: str) -> InputError:
    return InputError(
        f"{source}: {printable(name)} holds NaN or infinity: the training that made these weights "
        "diverged; use a checkpoint of an earlier epoch, or train again with a lower learning rate"
    )
