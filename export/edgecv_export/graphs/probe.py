"""What a module gives for an image, found out by trying."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from edgecv_runtime import InputError

SIZE = (224, 224)  # what classifiers without an input record are tried with


def outputs_of(module: nn.Module, size: tuple[int, int] = SIZE) -> Any:
    """What it gives for a black image, float32 [1, 3, h, w], in evaluation mode; None if it takes
    none. The module is left as it is."""
    outputs = try_out(module, size)
    return None if isinstance(outputs, Exception) else outputs


def try_out(module: nn.Module, size: tuple[int, int] = SIZE) -> Any:
    """`outputs_of`, or the exception that its forward pass raises."""
    private = copy.deepcopy(module).eval().cpu().float()
    try:
        with torch.inference_mode():
            return private(torch.zeros(1, 3, *size))
    # Whatever a stranger's forward pass raises, it is not a network of this kind.
    except Exception as error:
        return error


def require_three_channels(backbone: nn.Module, name: str) -> None:
    """Raises InputError if the backbone of a detector does not take images of three channels."""
    convolutions = (part for part in backbone.modules() if isinstance(part, nn.Conv2d))
    first = next(convolutions, None)
    # Some networks sort pixels into channels before their first convolution.
    if first is None or first.in_channels == 3 or not isinstance(try_out(backbone), Exception):
        return
    raise InputError(
        f"{name}: its first layer takes {first.in_channels} channels; edgecv's images have 3 "
        "(RGB): give it a first layer of 3 channels"
        + (", such as its weights divided by 3 for each" if first.in_channels == 1 else "")
    )


def segmentation_logits(outputs: Any) -> Tensor | None:
    """[B, C, h, w] of a tensor or of a dict with "out", such as torchvision's; None for others."""
    logits = outputs.get("out") if isinstance(outputs, dict) else outputs
    return logits if isinstance(logits, Tensor) and logits.ndim == 4 else None


def class_logits(outputs: Any) -> Tensor | None:
    """[B, C] of a tensor; None for others."""
    return outputs if isinstance(outputs, Tensor) and outputs.ndim == 2 else None
