"""What the heads of SSDs give: torchvision's a dict, ssd_tiny's a pair."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def head_outputs(outputs: Any) -> tuple[Tensor, Tensor]:
    """Logits [B, A, C + 1], background first, and deltas [B, A, 4]."""
    if isinstance(outputs, dict):
        return outputs["cls_logits"], outputs["bbox_regression"]
    logits, deltas = outputs
    return logits, deltas


def as_head_outputs(outputs: Any, logits: Tensor, deltas: Tensor) -> Any:
    """Other logits and deltas in the form of the outputs given."""
    if isinstance(outputs, dict):
        return {**outputs, "cls_logits": logits, "bbox_regression": deltas}
    return logits, deltas
