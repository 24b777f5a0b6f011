"""Which operators a graph may hold."""

from __future__ import annotations

import onnx

from edgecv_export.errors import ExportError

# Their outputs' shapes, or what runs at all, depend on the data; no engine compiles them well.
FORBIDDEN = frozenset(
    {
        "Compress", "If", "Loop", "NonMaxSuppression", "NonZero", "Optional", "Scan",
        "SequenceConstruct", "SequenceEmpty", "SplitToSequence", "TopK", "Unique",
    }
)  # fmt: skip


def check_operators(model: onnx.ModelProto) -> None:
    """Raises ExportError if the graph holds an operator whose result has no fixed shape, or one
    that is not ONNX's own."""
    if model.functions:
        raise ExportError(
            f"the graph holds the local function {model.functions[0].name}, which few engines "
            "inline: replace the module that it comes from"
        )
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise ExportError(
                f"the graph holds {node.domain}::{node.op_type} ({node.name}), which needs a "
                "plugin in every engine: replace the module that it comes from"
            )
        if node.op_type in FORBIDDEN:
            raise ExportError(
                f"the graph holds {node.op_type} ({node.name}), whose result depends on the data "
                "in shape or control flow: backbone and head may only hold what has fixed shapes"
            )
