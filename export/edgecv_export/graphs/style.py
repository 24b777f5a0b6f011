"""Style transfer: the feed-forward network of edgecv.models.style_transform.

Three graphs from one module. `main` paints a whole picture. Pictures too large for that are painted
tile by tile, and there instance normalisation must not see the tile alone, or neighbours come out
in different colours: `statistics` gives the mean and 1 / standard deviation of every channel of
every normalisation, taken from the picture made small, and `tile` takes them as an input (thumbnail
instance normalisation, Chen et al. 2022, arXiv 2103.11784). With the statistics given, a pixel
depends on its neighbourhood only (`StyleTransform.reach`), so tiles that overlap by twice as much
agree where they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from edgecv.models.style_transform import SIDE_MULTIPLE, SMALLEST_SIDE, StyleTransform
from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.cuts import CutRequest, register_cut
from edgecv_export.graphs.onnx_graph import Batch, to_onnx
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.style_report import StyleReport
from edgecv_runtime import InputError

TILE = 512  # a side, in pixels
# The longer side, at most. Statistics cost as much memory as a whole picture of that size; of a
# 1080p photo, in tiles, they bring the result to 32 dB of that of one run, those of 1024 to 27.
THUMBNAIL = 1536
WHOLE_PIXELS = 2_400_000  # pictures of more are painted tile by tile: above 1080p
_EXAMPLE = (52, 68)  # height and width that graphs of any size are traced with


@register_cut(
    lambda module: isinstance(module, StyleTransform),
    "a style network (edgecv.models.style_transform.StyleTransform)",
)
def cut_style(module: StyleTransform, request: CutRequest) -> StyleCut:
    record = dict(module.input)
    if request.size is not None:
        if min(request.size) < SMALLEST_SIDE:
            raise InputError(
                f"size {request.size[0]}x{request.size[1]}: expected sides of at least "
                f"{SMALLEST_SIDE} pixels"
            )
        record |= {"size": list(request.size), "resize": "stretch"}
    return StyleCut(module, request.size, record)


@dataclass
class StyleCut:
    """As graphs.cuts.Cut has it."""

    module: StyleTransform
    size: tuple[int, int] | None  # (h, w) that every picture is stretched to; None: each its own
    input: dict[str, Any]

    task: ClassVar[Literal["stylize"]] = "stylize"
    classes: ClassVar[int] = 0

    def write(
        self, draft: BundleDraft, *, batch: Batch, opset: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if batch not in ("dynamic", 1):
            raise InputError(
                f"batch is {batch}; pictures are painted one by one: expected 1 or dynamic"
            )
        graphs = {"main": [add_graph(draft, "main.onnx", self._export(self.module, batch, opset))]}
        if self.size is None:
            for role, network in (("statistics", Statistics), ("tile", Tile)):
                model = self._export(network(self.module), batch, opset)
                graphs[role] = [add_graph(draft, f"{role}.onnx", model)]
        postprocess = {
            "method": "stylize",
            "picture": {"output": "picture", "color": "rgb", "scale": 1.0, "offset": 0.0},
            "smallest_side": 1 if self.size else SMALLEST_SIDE,
            "tiles": None if self.size else tiles_for(self.module),
        }
        return graphs, postprocess

    def _export(self, network: nn.Module, batch: Batch, opset: int) -> Any:
        # The exporter would take a batch of 1 for a constant.
        examples = [torch.zeros(2 if batch == "dynamic" else batch, 3, *(self.size or _EXAMPLE))]
        axes: dict[int, Any] = {}
        if batch == "dynamic":
            axes[0] = torch.export.Dim("batch")
        if self.size is None:
            axes[2] = torch.export.Dim("rows", min=SMALLEST_SIDE)
            axes[3] = torch.export.Dim("columns", min=SMALLEST_SIDE)
        if isinstance(network, Tile):
            channels = sum(norm.num_features for norm in self.module.norms)
            examples.append(torch.ones(1, 2, channels))
        return to_onnx(
            network,
            tuple(examples),
            inputs=["images", "statistics"][: len(examples)],
            outputs=["statistics" if isinstance(network, Statistics) else "picture"],
            dynamic=(axes, {})[: len(examples)],
            opset=opset,
        )

    def verify(
        self,
        bundle: Path,
        pictures: Sequence[np.ndarray],
        tolerance: Tolerance,
        done: Callable[[], None] = lambda: None,
    ) -> StyleReport:
        from edgecv_export.parity.style import verify_style

        return verify_style(self, bundle, pictures, done)


def tiles_for(module: StyleTransform) -> dict[str, Any]:
    """The manifest's `tiles`: the overlap leaves each side of a seam its full neighbourhood."""
    # A quarter of the tile, or half of it where the network is deeper than usual.
    overlap = 0.25 if 2 * module.reach + TILE // 64 <= TILE // 4 else 0.5
    return {
        "size": [TILE, TILE],
        "overlap": overlap,
        "thumbnail": THUMBNAIL,
        "align": SIDE_MULTIPLE,
        "above": WHOLE_PIXELS,
    }


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
    the pictures' own."""

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
