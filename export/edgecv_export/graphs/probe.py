"""What a module gives for a picture, found out by trying."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

SIZE = (224, 224)  # what classifiers without an input record are tried with


def outputs_of(module: nn.Module, size: tuple[int, int] = SIZE) -> Any:
    """What it gives for a black picture, float32 [1, 3, h, w], in evaluation mode; None if it takes
    none. The module is left as it is."""
    private = copy.deepcopy(module).eval().cpu().float()
    try:
        with torch.inference_mode():
            return private(torch.zeros(1, 3, *size))
    # Whatever a stranger's forward pass raises, it is no network of this kind.
    except Exception:
        return None


def segmentation_logits(outputs: Any) -> Tensor | None:
    """[B, C, h, w] of a tensor or of a dict with "out", as torchvision has it; None for others."""
    logits = outputs.get("out") if isinstance(outputs, dict) else outputs
    return logits if isinstance(logits, Tensor) and logits.ndim == 4 else None


def class_logits(outputs: Any) -> Tensor | None:
    """[B, C] of a tensor; None for others."""
    return outputs if isinstance(outputs, Tensor) and outputs.ndim == 2 else None
