"""The graphs of a two-stage detector as ONNX, in the dialects that it has a form in."""

from __future__ import annotations

from typing import Any

import onnx
import torch
from torch import Tensor

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import Dialect, add_graph
from edgecv_export.graphs.cut import Written
from edgecv_export.graphs.onnx_graph import Batch, to_onnx
from edgecv_export.graphs.rcnn.cut import RcnnCut
from edgecv_runtime import InputError

TRACED_CELLS = (7, 9)  # height and width that backbones are traced with, in multiples of padding
TRACED_BOXES = 5  # for each input of boxes


def write_rcnn(cut: RcnnCut, draft: BundleDraft, *, batch: Batch, opset: int) -> Written:
    """See `families.write_graphs`."""
    if batch not in ("dynamic", 1):
        raise InputError(
            f"batch is {batch}; a two-stage detector takes images one by one: leave out batch"
        )
    stages = {"roi": box_stage_to_onnx}
    if cut.mask_pooling is not None:
        stages["mask"] = mask_stage_to_onnx
    graphs = {"trunk": [add_graph(draft, "trunk.onnx", backbone_to_onnx(cut, opset))]}
    for role, stage_to_onnx in stages.items():
        graphs[role] = [
            add_graph(
                draft,
                f"{role}.onnx" if dialect == "onnx" else f"{role}.{dialect}.onnx",
                stage_to_onnx(cut, dialect, opset),
                dialect=dialect,
            )
            for dialect in cut.dialects
        ]
    return graphs, cut.postprocess


def backbone_to_onnx(cut: RcnnCut, opset: int) -> onnx.ModelProto:
    """Input images [1, 3, h, w]; outputs features_i and, with a proposal network, objectness_i and
    deltas_i. h and w are any multiples of the padding, or the cut's fixed size."""
    height, width = cut.size or (cells * cut.multiple for cells in TRACED_CELLS)
    axes: dict[int, Any] = {}
    if cut.size is None:
        axes = {
            2: cut.multiple * torch.export.Dim("rows"),
            3: cut.multiple * torch.export.Dim("columns"),
        }
    rpn = cut.postprocess["rpn"]
    outputs = list(cut.postprocess["roi"]["features"])
    if rpn is not None:
        outputs += rpn["objectness"] + rpn["deltas"]
    example = (torch.zeros(1, 3, height, width),)
    return to_onnx(
        cut.backbone_stage,
        example,
        inputs=["images"],
        outputs=outputs,
        dynamic=(axes,),
        opset=opset,
    )


def box_stage_to_onnx(cut: RcnnCut, dialect: Dialect, opset: int) -> onnx.ModelProto:
    """Inputs features_i, then boxes_i [R_i, 4] of each level (dialect onnx), or boxes [R, 4] and
    levels int32 [R] (dialect tensorrt); outputs logits and deltas of the boxes in that order.

    Raises InputError where the dialect cannot express the pooling.
    """
    stage = cut.box_stage(dialect)
    inputs, examples, axes = _pooled_inputs(cut, dialect)
    return to_onnx(
        stage, examples, inputs=inputs, outputs=["logits", "deltas"], dynamic=axes, opset=opset
    )


def mask_stage_to_onnx(cut: RcnnCut, dialect: Dialect, opset: int) -> onnx.ModelProto:
    """As box_stage_to_onnx, with labels int64 [R] as the last input; output masks
    [R, 1, M, M], probabilities."""
    stage = cut.mask_stage(dialect)
    inputs, examples, axes = _pooled_inputs(cut, dialect)
    boxes = TRACED_BOXES * (len(cut.feature_shapes) if dialect == "onnx" else 1)
    return to_onnx(
        stage,
        (*examples, torch.ones(boxes, dtype=torch.int64)),
        inputs=[*inputs, "labels"],
        outputs=["masks"],
        dynamic=(*axes, {0: torch.export.Dim.DYNAMIC}),
        opset=opset,
    )


def _pooled_inputs(
    cut: RcnnCut, dialect: Dialect
) -> tuple[list[str], tuple[Any, ...], tuple[Any, ...]]:
    """Names, examples and open axes of the feature maps and boxes."""
    names = list(cut.postprocess["roi"]["features"])
    features = [torch.zeros(shape) for shape in cut.feature_shapes]
    feature_axes = [_feature_axes(cut, index) for index in range(len(features))]
    if dialect == "onnx":
        names += [f"boxes_{index}" for index in range(len(features))]
        boxes = [_boxes() for _ in features]
        box_axes = [{0: torch.export.Dim.DYNAMIC} for index in range(len(features))]
        return names, (features, boxes), (feature_axes, box_axes)
    levels = torch.zeros(TRACED_BOXES, dtype=torch.int32)
    count = {0: torch.export.Dim.DYNAMIC}
    regions = [_boxes(), levels]
    return [*names, "boxes", "levels"], (features, regions), (feature_axes, [count, count])


def _feature_axes(cut: RcnnCut, index: int) -> dict[int, Any]:
    if cut.size is not None:
        return {}
    # Feature maps of one size have their lengths in common: the exporter sees that they are equal.
    first = cut.feature_shapes.index(cut.feature_shapes[index])
    return {2: torch.export.Dim(f"rows_{first}"), 3: torch.export.Dim(f"columns_{first}")}


def _boxes() -> Tensor:
    return torch.tensor([[0.0, 0.0, 8.0, 8.0]]).repeat(TRACED_BOXES, 1)
