"""Readers of checkpoints, of weights, and of a run's record."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv.models.weights.files import read_state_dict
from edgecv.training.run.folder import recorded
from fuzz.reader import Reader


def _torch(content: object, **options: bool) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def _npz(compressed: bool) -> bytes:
    file = io.BytesIO()
    write = np.savez_compressed if compressed else np.savez
    write(file, **{"conv.weight": np.ones((2, 3), np.float32)})
    return file.getvalue()


_WEIGHTS = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.zeros(2)}
_CHECKPOINT = {
    "format": 1,
    "architecture": "ssd_tiny",
    "arguments": {"num_classes": 3},
    "labels": ["a", "b"],
    "input": {"size": [64, 64]},
    "state_dict": _WEIGHTS,
    "training": {},
}


def _weights(suffix: str, seeds: list[bytes]) -> Reader:
    name = f"x{suffix}"
    return Reader(name, seeds, lambda folder: read_state_dict(folder / name))


READERS = {
    "checkpoint": Reader(
        "x.pt",
        [_torch(_CHECKPOINT), _torch(_CHECKPOINT, _use_new_zipfile_serialization=False)],
        lambda folder: load_checkpoint(folder / "x.pt"),
    ),
    "weights": _weights(
        ".pth",
        [
            _torch(_WEIGHTS),
            _torch({"model": _WEIGHTS, 1: [("a", 2)]}),
            _torch(torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1))),
            _torch({"model_ema": _WEIGHTS, "model": _WEIGHTS, "epoch": 3}),
            _npz(True),
        ],
    ),
    "safetensors": _weights(
        ".safetensors",
        [save(_WEIGHTS), save({"a": torch.ones(3, dtype=torch.bfloat16)}, {"format": "pt"})],
    ),
    "npz": _weights(".npz", [_npz(False), _npz(True)]),
    "run_record": Reader(
        "run.json",
        [
            json.dumps(
                {"data": "shapes", "epochs": 3, "in_effect": {"threads": 2}}, indent=1
            ).encode()
        ],
        lambda folder: recorded(Path(folder)),
    ),
}
