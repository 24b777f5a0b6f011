"""The values that a run uses where its settings leave them to edgecv."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sized
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from edgecv.data.reading.split_report import counted

from .settings import Run

_PACKAGES = ("edgecv", "torch", "torchvision", "lightning", "numpy")


def values_in_effect(run: Run, trainer: pl.Trainer, workers: int) -> dict[str, Any]:
    """The values that decide, where the settings leave them to edgecv."""
    device = trainer.strategy.root_device
    rates = [float(group["lr"]) for group in run.task.parameter_groups()]
    return {
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "workers": workers,
        "precision": "float32",
        "batch_size": run.train.batch_size,
        "steps_per_epoch": len(run.train),
        "epochs": trainer.max_epochs,
        "learning_rate": min(rates),
        "head_learning_rate": max(rates),
        "arguments": run.arguments,
        "labels": run.labels,
        "training_images": _images_of(run.train),
        "validation_images": _images_of(run.validation),
    }


def _images_of(loader: DataLoader[Any]) -> int:
    assert isinstance(loader.dataset, Sized)
    return len(loader.dataset)


def in_words(values: dict[str, Any]) -> str:
    """The line that a run begins with."""
    threads = counted(values["threads"], "thread")
    steps = counted(values["steps_per_epoch"], "step")
    rate, head = values["learning_rate"], values["head_learning_rate"]
    return (
        f"device {values['device']} ({values['device_name'] or threads}), precision "
        f"{values['precision']}, batch size {values['batch_size']}, "
        f"{counted(values['epochs'], 'epoch')} of "
        f"{steps}, learning rate {rate:g}" + (f" (head {head:g})" if head != rate else "")
    )


def versions() -> dict[str, str]:
    """Of Python and of what trains."""
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES}
    packages["torch"] = str(torch.__version__)  # with the build, such as 2.9.0+cu130
    return {"python": platform.python_version(), **packages}
