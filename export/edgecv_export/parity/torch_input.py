"""Images as tensors by torch alone: the other side of parity."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from edgecv.models.architecture.input_record import InputRecord, height_width


def to_tensor(image: np.ndarray, record: InputRecord) -> Tensor:
    """float32 [3, h, w] of an image uint8 [H, W, 3] BGR. Nothing is rounded on the way."""
    channels = image[:, :, ::-1] if record["color"] == "rgb" else image
    tensor = torch.from_numpy(channels.transpose(2, 0, 1).copy()).float()
    if record["resize"] != "none":
        sides = list(height_width(record["size"]))
        edge = sides[:1] if record["resize"] == "shortest_edge" else sides
        mode = v2.InterpolationMode(record["interpolation"])
        tensor = F.resize(tensor, edge, interpolation=mode, antialias=record["antialias"])
    if record["crop"] is not None:
        tensor = F.center_crop(tensor, record["crop"])
    mean, std = (torch.tensor(each)[:, None, None] for each in (record["mean"], record["std"]))
    return (tensor * record["scale"] - mean) / std


def rgb_tensor(image: np.ndarray) -> Tensor:
    """float32 [3, H, W] RGB in 0..1, as torchvision's detectors take images."""
    return torch.from_numpy(image[:, :, ::-1].transpose(2, 0, 1).copy()).float() / 255
