"""The runtime's preprocessing, from an input record as checkpoints and modules hold it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edgecv_runtime import InputSpec


def spec_of(record: dict[str, Any]) -> InputSpec:
    pairs = {name: tuple(record[name]) for name in ("size", "crop") if record[name] is not None}
    return InputSpec(**{**record, **pairs})


def normalise(images: Tensor, record: dict[str, Any]) -> Tensor:
    """uint8 [B, 3, H, W] RGB -> float32, as the record normalises."""
    mean, std = (
        torch.tensor(record[name], device=images.device)[:, None, None] for name in ("mean", "std")
    )
    return (images.float() * record["scale"] - mean) / std
