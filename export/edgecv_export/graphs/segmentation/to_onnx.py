"""A segmentation network's graph as ONNX."""

from __future__ import annotations

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.cut import Written
from edgecv_export.graphs.onnx_graph import Batch, images_to_onnx
from edgecv_export.graphs.segmentation.cut import EXAMPLE, SegmentationCut


def write_segmentation(
    cut: SegmentationCut, draft: BundleDraft, *, batch: Batch, opset: int
) -> Written:
    """See `families.write_graphs`."""
    model = images_to_onnx(
        cut.network,
        cut.size or EXAMPLE,
        outputs=["logits"],
        batch=batch,
        opset=opset,
        size_multiple=None if cut.size else 1,
    )
    windows = cut.windows
    if windows is not None and batch != "dynamic":
        windows = {**windows, "batch": batch}
    postprocess = {
        "method": "segment",
        "scores": {"output": "logits", "function": cut.function},
        "windows": windows,
    }
    return {"main": [add_graph(draft, "main.onnx", model)]}, postprocess
