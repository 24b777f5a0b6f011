"""An SSD's graph as ONNX, and its anchors where they need a file."""

from __future__ import annotations

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.cut import Written
from edgecv_export.graphs.onnx_graph import Batch, images_to_onnx
from edgecv_export.graphs.ssd.cut import SsdCut

ANCHOR_FILE = "anchors.npy"


def write_ssd(cut: SsdCut, draft: BundleDraft, *, batch: Batch, opset: int) -> Written:
    """See `families.write_graphs`."""
    model = images_to_onnx(
        cut.network, cut.tensor_size, outputs=["logits", "deltas"], batch=batch, opset=opset
    )
    postprocess = cut.postprocess
    if cut.anchor_file is not None:
        sha256 = draft.add_array(ANCHOR_FILE, cut.anchor_file)
        anchors = {**postprocess["anchors"], "file": ANCHOR_FILE, "sha256": sha256}
        postprocess = {**postprocess, "anchors": anchors}
    return {"main": [add_graph(draft, "main.onnx", model)]}, postprocess
