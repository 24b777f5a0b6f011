"""The manifest's record of an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from edgecv_export.bundle.draft import BundleDraft
from edgecv_export.bundle.node_names import graph_bytes
from edgecv_runtime import InputError

if TYPE_CHECKING:
    import onnx

# Forms of a graph, for the engines that run it.
Dialect = Literal["onnx", "tensorrt"]
DIALECTS: tuple[Dialect, ...] = ("onnx", "tensorrt")


def add_graph(
    draft: BundleDraft, file: str, model: onnx.ModelProto, *, dialect: str = "onnx"
) -> dict[str, Any]:
    """Writes the graph into the draft, in fp32, and returns its record."""
    return {
        "file": file,
        "sha256": draft.add_file(file, graph_bytes(model)),
        "precision": "fp32",
        "dialect": dialect,
        "inputs": [tensor_record(value) for value in model.graph.input],
        "outputs": [tensor_record(value) for value in model.graph.output],
    }


def tensor_record(value: onnx.ValueInfoProto) -> dict[str, Any]:
    """Name, dtype and shape; None is an axis of any length. Raises InputError without a shape."""
    import onnx

    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        raise InputError(
            f"the ONNX file does not say how many axes {value.name!r} has: "
            "run onnx.shape_inference on it first"
        )
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    except KeyError:
        raise InputError(
            f"the ONNX file says that {value.name!r} is of type {kind.elem_type}: expected one of "
            "onnx.TensorProto, such as 1 for float"
        ) from None
    shape = [axis.dim_value if axis.dim_value > 0 else None for axis in kind.shape.dim]
    return {"name": value.name, "dtype": dtype, "shape": shape}
