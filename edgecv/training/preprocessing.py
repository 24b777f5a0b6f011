"""The runtime's preprocessing, from an input record as checkpoints and modules hold it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from edgecv.models.architecture.input_record import InputRecord
from edgecv_runtime import InputSpec


def spec_of(record: InputRecord) -> InputSpec:
    """For `ops.preprocess`."""
    values: dict[str, Any] = dict(record)
    for name in ("size", "crop"):
        if values[name] is not None:
            values[name] = tuple(values[name])
    return InputSpec(**values)


def normalise(images: Tensor, record: InputRecord) -> Tensor:
    """uint8 [B, 3, H, W] RGB -> float32, as the record normalises."""
    mean, std = (
        torch.tensor(record[name], device=images.device)[:, None, None] for name in ("mean", "std")
    )
    return (images.float() * record["scale"] - mean) / std
