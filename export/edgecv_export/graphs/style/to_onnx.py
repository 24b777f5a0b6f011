"""The graphs of a style network as ONNX, and the plan of its tiles."""

from __future__ import annotations

from typing import Any

import onnx
import torch
from torch import nn

from edgecv.models.style_transform import SIDE_MULTIPLE, SMALLEST_SIDE, StyleTransform
from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.cut import Written
from edgecv_export.graphs.onnx_graph import Batch, to_onnx
from edgecv_export.graphs.style.cut import StyleCut
from edgecv_export.graphs.style.networks import Statistics, Tile
from edgecv_runtime import InputError

TILE = 512  # a side, in pixels
# The longer side, at most. Statistics cost as much memory as a whole image of that size. A 1080p
# image in tiles has a PSNR of 32 dB against one run with them, of 27 dB with statistics of 1024.
THUMBNAIL = 1536
WHOLE_PIXELS = 2_400_000  # larger images are stylized tile by tile: above 1080p
_EXAMPLE = (52, 68)  # height and width that graphs of any size are traced with


def write_style(cut: StyleCut, draft: BundleDraft, *, batch: Batch, opset: int) -> Written:
    """See `families.write_graphs`."""
    if batch not in ("dynamic", 1):
        raise InputError(f"batch is {batch}; images are stylized one by one: expected 1 or dynamic")
    graphs = {"main": [add_graph(draft, "main.onnx", _graph(cut, cut.module, batch, opset))]}
    if cut.size is None:
        for role, network in (("statistics", Statistics), ("tile", Tile)):
            model = _graph(cut, network(cut.module), batch, opset)
            graphs[role] = [add_graph(draft, f"{role}.onnx", model)]
    postprocess = {
        "method": "stylize",
        "picture": {"output": "picture", "color": "rgb", "scale": 1.0, "offset": 0.0},
        "smallest_side": 1 if cut.size else SMALLEST_SIDE,
        "tiles": None if cut.size else tiles_for(cut.module),
    }
    return graphs, postprocess


def _graph(cut: StyleCut, network: nn.Module, batch: Batch, opset: int) -> onnx.ModelProto:
    # The exporter would take a batch of 1 for a constant.
    examples = [torch.zeros(2 if batch == "dynamic" else batch, 3, *(cut.size or _EXAMPLE))]
    axes: dict[int, Any] = {}
    if batch == "dynamic":
        axes[0] = torch.export.Dim("batch")
    if cut.size is None:
        axes[2] = torch.export.Dim("rows", min=SMALLEST_SIDE)
        axes[3] = torch.export.Dim("columns", min=SMALLEST_SIDE)
    if isinstance(network, Tile):
        channels = sum(norm.num_features for norm in cut.module.norms)
        examples.append(torch.ones(1, 2, channels))
    return to_onnx(
        network,
        tuple(examples),
        inputs=["images", "statistics"][: len(examples)],
        outputs=["statistics" if isinstance(network, Statistics) else "picture"],
        dynamic=(axes, {})[: len(examples)],
        opset=opset,
    )


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
