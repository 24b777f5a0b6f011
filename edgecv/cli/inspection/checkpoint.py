"""What a checkpoint is, without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def describe_checkpoint(path: str) -> dict[str, Any]:
    """A checkpoint of `edgecv train` as plain values. Raises InputError for any other file."""
    from edgecv.models import registry
    from edgecv.models.weights.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(path)
    return {
        "checkpoint": path,
        "task": registry.task_of(checkpoint.architecture),
        "architecture": checkpoint.architecture,
        "arguments": checkpoint.arguments,
        "labels": checkpoint.labels,
        "parameters": sum(value.numel() for value in checkpoint.state_dict.values()),
        "bytes": Path(path).stat().st_size,
        "input": checkpoint.input,
        "training": checkpoint.training,
    }


def in_words(record: dict[str, Any]) -> dict[str, Any]:
    """The same for a person: short lists as text."""

    def text(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: text(part) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return ", ".join(map(str, value[:8])) + ", …" * (len(value) > 8)
        return value

    return {name: text(value) for name, value in record.items()}
