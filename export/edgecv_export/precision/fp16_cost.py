"""What FP16 costs: layer by layer, and what rounding the weights alone would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv_export.precision.fp16_graph import WEIGHTED, choose_half
from edgecv_export.precision.graph_index import GraphIndex, prepared
from edgecv_export.precision.pipeline import Feed
from edgecv_export.precision.sensitivity import LayerError, compared, layer_errors


def half_costs(
    model: onnx.ModelProto, largest: Mapping[str, float], feeds: Iterable[Feed]
) -> list[LayerError]:
    """The layers with weights that run in FP16, the most costly first.

    All are measured in one run of the float network: each has a twin beside it that takes the
    layer's exact input and weights rounded to FP16, and whose result is rounded to FP16.

    Args:
        model: float32, with its weights inside.
        largest: as `cast_to_half` takes it.
    """
    model = prepared(model)
    index = GraphIndex(model)
    half, _ = choose_half(index, largest)
    graph = model.graph
    del graph.output[:]
    nodes: list[onnx.NodeProto] = []
    rounded: dict[str, str] = {}  # values and weights that were rounded
    layers: list[tuple[str, str]] = []

    def in_half(name: str) -> str:
        if name not in rounded:
            rounded[name] = f"{name}_rounded"
            if name in index.weights:
                with np.errstate(over="ignore"):
                    weight = index.weight(name).astype(np.float16).astype(np.float32)
                graph.initializer.append(numpy_helper.from_array(weight, rounded[name]))
            else:
                nodes.extend(_through_half(name, rounded[name]))
        return rounded[name]

    for node in index.nodes:
        if node.op_type not in WEIGHTED or node.name not in half:
            continue
        prefix = f"half_{len(layers)}"
        twin = onnx.NodeProto()
        twin.CopyFrom(node)
        twin.name = prefix
        inputs = [in_half(name) if name in index.floats else name for name in node.input]
        del twin.input[:], twin.output[:]
        twin.input.extend(inputs)
        twin.output.append(f"{prefix}_exact")
        nodes += [twin, *_through_half(f"{prefix}_exact", f"{prefix}_result")]
        nodes += compared(graph, prefix, f"{prefix}_result", node.output[0])
        weight = next((name for name in node.input if name in index.weights), node.name)
        layers.append((node.name, weight))
    graph.node.extend(nodes)
    return layer_errors(model, layers, feeds)


def weights_in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose weights are rounded to FP16; all else stays as it is."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            limit = np.finfo(np.float16).max
            rounded = np.clip(values, -limit, limit).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
    return copy


def _through_half(name: str, result: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Cast", [name], [f"{result}_half"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", [f"{result}_half"], [result], to=TensorProto.FLOAT),
    ]
