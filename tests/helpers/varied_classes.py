"""Seeded weights under which classifiers and segmentation networks behave as if trained.

Default-initialised ones give nearly the same logits for every picture and pixel. Here batch-norm
statistics come from pictures, and the last layers are scaled so that logits spread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SPREAD = 2.0  # standard deviation of each class's logits


def varied_classes(
    build: Callable[[], nn.Module],
    last: Callable[[Any], Sequence[nn.Module]],
    pictures: Sequence[np.ndarray],
    size: tuple[int, int],
    seed: int = 0,
) -> Any:
    """The network in evaluation mode.

    Args:
        build: makes it; the random numbers it draws are seeded.
        last: its layers that give logits, one `weight` row and `bias` entry for each class.
        pictures: uint8 [H, W, 3] BGR; at least 4, of different content.
        size: (h, w) that they are resized to.
    """
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        module = build()
        images = torch.cat([_tensor(picture, size) for picture in pictures])
        norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        module.train()
        for half in images.chunk(2):
            module(half)
        module.eval()
        for layer in last(module):
            outputs: list[Tensor] = []
            hook = layer.register_forward_hook(lambda *call, to=outputs: to.append(call[2]))
            module(images)
            hook.remove()
            values = outputs[0].transpose(0, 1).flatten(1)  # [classes, all others]
            scale = SPREAD / (values - values.mean(1, keepdim=True)).std(1)
            assert torch.isfinite(scale).all(), "the network gives the same for all pictures"
            layer.weight *= scale.view(-1, *[1] * (layer.weight.ndim - 1))
            if layer.bias is None:
                continue
            layer.bias.copy_((layer.bias - values.mean(1)) * scale)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


def _tensor(picture: np.ndarray, size: tuple[int, int]) -> Tensor:
    rgb = torch.from_numpy(picture[:, :, ::-1].copy()).permute(2, 0, 1).float()[None] / 255
    small = nn.functional.interpolate(rgb, size, mode="bilinear", antialias=True)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (small - mean[:, None, None]) / std[:, None, None]
