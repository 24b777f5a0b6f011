"""A dense detector's graph as ONNX."""

from __future__ import annotations

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.cut import Written
from edgecv_export.graphs.dense.cut import DenseCut
from edgecv_export.graphs.onnx_graph import Batch, images_to_onnx

# The example that a graph of any size is traced with, in multiples of the padding.
_EXAMPLE = (5, 7)


def write_dense(cut: DenseCut, draft: BundleDraft, *, batch: Batch, opset: int) -> Written:
    """See `families.write_graphs`."""
    example = cut.multiple * _EXAMPLE[0], cut.multiple * _EXAMPLE[1]
    model = images_to_onnx(
        cut.network,
        cut.size or example,
        outputs=cut.outputs,
        batch=batch,
        opset=opset,
        size_multiple=None if cut.size else cut.multiple,
    )
    return {"main": [add_graph(draft, "main.onnx", model)]}, cut.postprocess
