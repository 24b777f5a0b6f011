"""RoIAlign over the levels of a feature pyramid, written so that engines can compile it.

The level of each box is chosen outside (``levels`` of the manifest); here boxes are only pooled.
Both dialects give what torchvision's ``roi_align`` (``aligned=False``) gives:

* ``onnx``: one operator for each level, each with its own boxes. Exact, and fast on a CPU.
* ``tensorrt``: the levels lie one below the other in one atlas, and a single GridSample takes every
  sample of every box from it. It needs no plugin and no shape that depends on the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align, roi_pool

from edgecv_export.bundle.graph_record import Dialect
from edgecv_runtime import InputError

OUTSIDE = -3.0  # a coordinate of grid_sample from which it takes nothing but zeros


@dataclass(frozen=True)
class Pooling:
    """How boxes are pooled. Scales are feature cells per pixel of the network's input."""

    kind: Literal["align", "max"]
    output_size: tuple[int, int]  # (h, w)
    sampling_ratio: int  # samples per bin and axis; 0 or less: as many as a bin has cells
    scales: tuple[float, ...]  # of the levels, finest first


def make_pooler(pooling: Pooling, dialect: Dialect) -> LevelPooler | AtlasRoIAlign:
    """The module that pools in this dialect. Raises InputError where the dialect cannot."""
    if dialect == "onnx":
        return LevelPooler(pooling)
    if pooling.kind == "max":
        raise InputError(
            "roi_pool (max) has no TensorRT form: export with `dialects=onnx`, or build "
            "the model with MultiScaleRoIAlign"
        )
    if pooling.sampling_ratio <= 0:
        raise InputError(
            f"sampling_ratio {pooling.sampling_ratio} of RoIAlign is adaptive, which has no "
            "TensorRT form: export with `dialects=onnx`, or set it to a number such as 2"
        )
    return AtlasRoIAlign(pooling)


class LevelPooler(nn.Module):
    """Dialect ``onnx``: RoiAlign (or MaxRoiPool) of each level."""

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.pooling = pooling

    def forward(self, features: list[Tensor], regions: list[Tensor]) -> Tensor:
        """Features float32 [1, C, h, w] of each level; regions are the boxes of each level, float32
        [R_i, 4], xyxy in pixels of the network's input. Returns float32
        [sum of R_i, C, *output_size]."""
        levels = zip(features, regions, self.pooling.scales, strict=True)
        return torch.cat([self._pool(*level) for level in levels])

    def _pool(self, feature: Tensor, boxes: Tensor, scale: float) -> Tensor:
        pooling = self.pooling
        rois = torch.nn.functional.pad(boxes, (1, 0))  # the image's number comes first: 0
        if pooling.kind == "max":
            return _max_pool(feature, rois, pooling.output_size, scale)
        ratio = max(pooling.sampling_ratio, 0)  # ONNX spells adaptive as 0, torchvision as -1 too
        return roi_align(feature, rois, pooling.output_size, scale, ratio, aligned=False)


def _max_pool(feature: Tensor, rois: Tensor, output_size: tuple[int, int], scale: float) -> Tensor:
    if not torch.onnx.is_in_onnx_export():
        return roi_pool(feature, rois, output_size, scale)
    # The exporter's own translation of roi_pool takes other arguments than torch gives it.
    pooled: Tensor = torch.onnx.ops.symbolic(
        "MaxRoiPool",
        (feature, rois),
        {"pooled_shape": list(output_size), "spatial_scale": float(scale)},
        dtype=feature.dtype,
        shape=(rois.shape[0], feature.shape[1], *output_size),
    )
    return pooled


class AtlasRoIAlign(nn.Module):
    """Dialect ``tensorrt``: one GridSample over an atlas of all levels, then average pooling."""

    scales: Tensor

    def __init__(self, pooling: Pooling) -> None:
        super().__init__()
        self.output_size = pooling.output_size
        self.samples = pooling.sampling_ratio
        self.register_buffer("scales", torch.tensor(pooling.scales), persistent=False)

    def forward(self, features: list[Tensor], regions: list[Tensor]) -> Tensor:
        """Features float32 [1, C, h, w] of each level, none wider than the first; regions are
        boxes float32 [R, 4], xyxy in pixels of the network's input, and levels int32 [R], which
        feature each box is for. Returns float32 [R, C, *output_size]."""
        boxes, levels = regions
        atlas, heights, widths, tops = _lay_out(features)
        boxes = boxes * self.scales.index_select(0, levels)[:, None]
        left, top, right, bottom = boxes.unbind(1)
        height, width = self.output_size
        y, y_inside = self._positions(top, bottom, height, heights.index_select(0, levels))
        x, x_inside = self._positions(left, right, width, widths.index_select(0, levels))
        y = y + tops.index_select(0, levels)[:, None]

        # grid_sample counts from -1 to 1 between the outer edges of the atlas.
        y = torch.where(y_inside, (2 * y + 1) / atlas.shape[2] - 1, OUTSIDE)
        x = torch.where(x_inside, (2 * x + 1) / atlas.shape[3] - 1, OUTSIDE)
        rows, columns = height * self.samples, width * self.samples
        grid = torch.stack(
            [x[:, None, :].expand(-1, rows, -1), y[:, :, None].expand(-1, -1, columns)], dim=3
        )  # [R, rows, columns, 2]
        sampled = nn.functional.grid_sample(
            atlas, grid.reshape(1, -1, columns, 2), padding_mode="zeros", align_corners=False
        )  # [1, C, R * rows, columns]
        if self.samples > 1:
            sampled = nn.functional.avg_pool2d(sampled, self.samples)  # [1, C, R * height, width]
        # [1, C, R * height, width] -> [C, R, height, width] -> [R, C, height, width]
        return sampled.reshape(atlas.shape[1], -1, height, width).transpose(0, 1)

    def _positions(
        self, low: Tensor, high: Tensor, bins: int, length: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cells [R, bins * samples] at which an axis is sampled, and whether they count.

        As in torchvision's roi_align: samples up to one cell outside take the border's value,
        those further out are zero.
        """
        size = (high - low).clamp(min=1)[:, None, None] / bins
        bin_ = torch.arange(bins, dtype=torch.float32)[None, :, None]
        sample = (torch.arange(self.samples, dtype=torch.float32) + 0.5)[None, None, :]
        position = low[:, None, None] + bin_ * size + sample * size / self.samples
        position = position.reshape(-1, bins * self.samples)  # [R, bins, samples] before
        length = length[:, None]
        inside = (position >= -1) & (position <= length)
        # Clamped, so that no sample reaches into the level above or below.
        return torch.minimum(position.clamp(min=0), length - 1), inside


def _lay_out(features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The atlas [1, C, sum of heights, width of the first], and heights, widths and first rows of
    the levels, float32 [L] each."""
    width = features[0].shape[3]
    padded = [features[0]]
    tops: list[int] = [0]
    for above, feature in pairwise(features):
        tops.append(tops[-1] + above.shape[2])
        padded.append(nn.functional.pad(feature, (0, width - feature.shape[3])))
    heights = [feature.shape[2] for feature in features]
    widths = [feature.shape[3] for feature in features]
    return torch.cat(padded, dim=2), _vector(heights), _vector(widths), _vector(tops)


def _vector(lengths: list[int]) -> Tensor:
    """Lengths that may be symbols while the graph is traced, as float32 [L]."""
    return torch.cat([torch.full((1,), length, dtype=torch.float32) for length in lengths])
