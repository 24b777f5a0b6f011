"""Checkpoints: a plain dict that holds all of a trained network, read with weights_only=True."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgecv_runtime import InputError
from edgecv_runtime.files.whole import write_file
from edgecv_runtime.one_line import one_line

from .. import registry
from ..architecture.input_record import InputRecord
from .files import describe
from .loading import fit_state_dict
from .pickled import load_pickled
from .usable import require_finite

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A trained network: architecture and arguments build the module, labels name its classes
    (without the background).

    `input` is the input record as in bundle.json; `training` says how it was made.
    """

    architecture: str
    arguments: dict[str, Any]
    labels: list[str]
    input: InputRecord
    state_dict: dict[str, Tensor]
    training: dict[str, Any] = field(default_factory=dict)

    def module(self) -> nn.Module:
        """The module with its weights, in evaluation mode. Raises InputError if they do not fit."""
        with one_line("checkpoint", "expected one that edgecv train wrote"):
            module = registry.create(self.architecture, **self.arguments)
            fit_state_dict(module, self.state_dict, "checkpoint")
        return module.eval()


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Writes the file whole or not at all. Raises OSError."""
    content = {
        "format": FORMAT,
        "architecture": checkpoint.architecture,
        "arguments": checkpoint.arguments,
        "labels": checkpoint.labels,
        "input": checkpoint.input,
        "state_dict": {k: v.detach().cpu().contiguous() for k, v in checkpoint.state_dict.items()},
        "training": checkpoint.training,
    }
    save_whole(path, content)


def save_whole(path: str | Path, content: Any) -> None:
    """Writes what torch.save makes of `content`, whole or not at all. Raises OSError."""
    # Not by torch itself, whose errors do not say that the disk is full.
    memory = io.BytesIO()
    torch.save(content, memory)
    write_file(path, memory.getbuffer())


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint that `edgecv train` wrote.

    Raises:
        InputError: the file is missing, broken, of a newer format, or a bare state dict; its
            weights hold NaN.

    Example:
        >>> checkpoint = load_checkpoint("run/best.pt")
        >>> module = checkpoint.module()  # with its weights, in evaluation mode
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a checkpoint such as runs/name/best.pt")
    content = load_pickled(path)
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        advice = "weights alone need the architecture's name: edgecv export ARCHITECTURE --weights"
        if isinstance(content, dict) and "pytorch-lightning_version" in content:
            advice = (
                "of a run, best.pt and last.pt are such; of other weights, name the network: "
                + ("edgecv export ARCHITECTURE --weights")
            )
        raise InputError(
            f"{path}: no checkpoint of edgecv train but {describe(content)}; {advice} {path.name} "
            "(edgecv models lists them); of other networks make an ONNX file, and edgecv wrap it"
        )
    if content["format"] != FORMAT:
        raise InputError(
            f"{path}: checkpoint format {content['format']}, this version reads {FORMAT}; "
            "update edgecv"
        )
    keys = ("architecture", "arguments", "labels", "input", "state_dict")
    missing = [key for key in keys if key not in content]
    if missing:
        raise InputError(f"{path}: broken checkpoint: {', '.join(missing)} is missing")
    _require_form(content, path)
    require_finite(content["state_dict"], str(path))
    return Checkpoint(**{key: content[key] for key in keys}, training=content.get("training", {}))


def _require_form(content: dict[str, Any], path: Path) -> None:
    """Raises InputError where a part is of another type than `save_checkpoint` writes."""

    def named(value: Any) -> bool:
        return isinstance(value, dict) and all(isinstance(name, str) for name in value)

    weights, labels = content["state_dict"], content["labels"]
    forms = {
        "architecture": isinstance(content["architecture"], str),
        "arguments": named(content["arguments"]),
        "labels": isinstance(labels, list) and all(isinstance(label, str) for label in labels),
        "input": named(content["input"]),
        "training": named(content.get("training", {})),
        "state_dict": named(weights) and all(isinstance(v, Tensor) for v in weights.values()),
    }
    wrong = [key for key, right in forms.items() if not right]
    if wrong:
        raise InputError(
            f"{path}: broken checkpoint: {wrong[0]} is not what edgecv train writes; copy it again"
        )
