"""The networks that stylize in tiles, each a module that becomes a graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgecv.models.style_transform import StyleTransform


class Statistics(nn.Module):
    """float32 [B, 3, h, w] -> [B, 2, K]: mean and 1 / standard deviation of the K channels of all
    instance normalisations, in the order in which they run."""

    def __init__(self, module: StyleTransform) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        measured: list[Tensor] = []

        def measure(norm: nn.InstanceNorm2d, x: Tensor) -> Tensor:
            mean = x.mean((2, 3), keepdim=True)  # [B, C, 1, 1]
            variance = (x - mean).square().mean((2, 3), keepdim=True)
            scale = (variance + norm.eps).rsqrt()
            measured.append(torch.cat([mean, scale], 3).squeeze(2).transpose(1, 2))  # [B, 2, C]
            return (x - mean) * scale * _column(norm.weight) + _column(norm.bias)

        self.module.features(images, measure)
        return torch.cat(measured, 2)


class Tile(nn.Module):
    """float32 [B, 3, h, w] and statistics [1, 2, K] -> what the module gives with these in place of
    the images' own."""

    def __init__(self, module: StyleTransform) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor, statistics: Tensor) -> Tensor:
        channels = [norm.num_features for norm in self.module.norms]
        parts = iter(statistics[..., None, None].split(channels, 2))  # each [1, 2, C, 1, 1]

        def apply(norm: nn.InstanceNorm2d, x: Tensor) -> Tensor:
            mean, scale = next(parts).unbind(1)  # [1, C, 1, 1]
            # In this order: mean * scale is large where a channel hardly varies.
            return (x - mean) * (scale * _column(norm.weight)) + _column(norm.bias)

        result: Tensor = self.module(images, apply)
        return result


def _column(values: Tensor) -> Tensor:
    return values[:, None, None]  # [C, 1, 1]
