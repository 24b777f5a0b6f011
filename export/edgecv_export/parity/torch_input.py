"""Pictures as tensors by torch alone: the other side of parity."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from edgecv_runtime import InputError


def check_record(record: dict[str, Any]) -> None:
    """Raises InputError for a record that `to_tensor` cannot follow."""
    simple = (
        record["resize"] in ("none", "stretch", "shortest_edge")
        and record["max_size"] is None
        and record["pad_multiple"] == 1
        and record["color"] in ("rgb", "bgr")
        and (record["dtype"], record["layout"]) == ("float32", "nchw")
    )
    if not simple:
        raise InputError(
            "the module's input record: expected resize none, stretch or shortest_edge without "
            "max_size, no padding, three channels, float32, nchw"
        )


def to_tensor(picture: np.ndarray, record: dict[str, Any]) -> Tensor:
    """float32 [3, h, w] of a picture uint8 [H, W, 3] BGR. Nothing is rounded on the way."""
    channels = picture[:, :, ::-1] if record["color"] == "rgb" else picture
    tensor = torch.from_numpy(channels.transpose(2, 0, 1).copy()).float()
    if record["resize"] != "none":
        edge = record["size"][:1] if record["resize"] == "shortest_edge" else record["size"]
        mode = v2.InterpolationMode(record["interpolation"])
        tensor = F.resize(tensor, edge, interpolation=mode, antialias=record["antialias"])
    if record["crop"] is not None:
        tensor = F.center_crop(tensor, record["crop"])
    mean, std = (torch.tensor(record[name])[:, None, None] for name in ("mean", "std"))
    return (tensor * record["scale"] - mean) / std


def rgb_tensor(picture: np.ndarray) -> Tensor:
    """float32 [3, H, W] RGB in 0..1, as torchvision's detectors take pictures."""
    return torch.from_numpy(picture[:, :, ::-1].transpose(2, 0, 1).copy()).float() / 255
