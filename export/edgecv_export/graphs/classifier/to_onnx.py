"""A classifier's graph as ONNX."""

from __future__ import annotations

from edgecv.models.architecture.input_record import height_width
from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.graph_record import add_graph
from edgecv_export.graphs.classifier.cut import ClassifierCut
from edgecv_export.graphs.cut import Written
from edgecv_export.graphs.onnx_graph import Batch, images_to_onnx

TOP = 5  # classes that are reported


def write_classifier(
    cut: ClassifierCut, draft: BundleDraft, *, batch: Batch, opset: int
) -> Written:
    """See `families.write_graphs`."""
    height, width = height_width(cut.input["crop"])
    model = images_to_onnx(
        cut.module, (height, width), outputs=["logits"], batch=batch, opset=opset
    )
    postprocess = {
        "method": "classify",
        "scores": {"output": "logits", "function": cut.function},
        "topk": min(TOP, cut.classes),
    }
    return {"main": [add_graph(draft, "main.onnx", model)]}, postprocess
