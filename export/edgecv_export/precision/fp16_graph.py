"""FP16 by casting the ONNX graph: networks are strongly typed, so the graph says what runs in half.

Inputs and outputs stay float32. Kept in FP32: softmax, reductions and normalisation statistics, the
arithmetic of boxes, and RoIAlign as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv_export.precision.graph_index import GraphIndex, prepared

LARGEST_HALF = 65504.0
SMALLEST_HALF = 2.0**-24  # anything below half of it becomes 0
# Images in use may go further than those that were measured.
HEADROOM = 2.0

# Operators that lose nothing that matters at 11 bits, since engines add up in float32.
_HALF = frozenset(
    {
        "Add", "AveragePool", "Clip", "Conv", "ConvTranspose", "Elu", "Gelu", "Gemm", "HardSigmoid",
        "HardSwish", "LeakyRelu", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "PRelu", "Relu",
        "Resize", "Sigmoid", "Sub", "Tanh",
    }
)  # fmt: skip
# Operators that only move values take the type of what they move.
_MOVING = frozenset(
    {
        "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "Identity",
        "Pad", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose",
        "Unsqueeze",
    }
)  # fmt: skip
WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
# Where boxes or a sampling grid go in: an FP16 coordinate is off by up to half a cell at 1024.
_COORDINATES = {"GridSample": 1, "RoiAlign": 1, "MaxRoiPool": 1}
# Inputs that an operator wants in float32 whatever the rest is.
_ALWAYS_FLOAT = {("Resize", 1), ("Resize", 2)}


def cast_to_half(
    model: onnx.ModelProto,
    largest: Mapping[str, float] | None = None,
) -> tuple[onnx.ModelProto, list[str]]:
    """A copy of the model that computes in FP16 where that is safe.

    Args:
        model: float32, with its weights inside.
        largest: for values of the graph, the largest magnitude that was measured. Values beyond
            what FP16 holds (65504, with a headroom of 2) stay in FP32.

    Returns:
        The model, and the names of nodes that would run in half but for what their values or
        weights are.

    Raises:
        ExportError: the graph holds control flow, or a value of unknown type.
    """
    model = prepared(model)
    index = GraphIndex(model)
    half, overflowing = choose_half(index, largest or {})
    _rewrite(model, index, half)
    onnx.checker.check_model(model, full_check=True)
    return model, overflowing


def emulate_half(half: onnx.ModelProto) -> onnx.ModelProto:
    """A model that gives on a CPU what ``half`` gives on a device.

    ONNX Runtime computes FP16 graphs on a CPU in float32 from end to end. Here each value that
    ``half`` holds in FP16 is rounded to it; sums are float32, as in Tensor Cores.
    """
    model = onnx.ModelProto()
    model.CopyFrom(half)
    graph = onnx.shape_inference.infer_shapes(model).graph
    in_half = {
        value.name
        for value in (*graph.input, *graph.value_info)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16
    } | {tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    nodes: list[onnx.NodeProto] = []
    widened: set[str] = set()
    for node in graph.node:
        if node.op_type == "Cast":
            nodes.append(node)
            continue
        for position, name in enumerate(node.input):
            if name in in_half:
                if name not in widened:
                    nodes.append(_cast(name, f"{name}_wide", TensorProto.FLOAT))
                    widened.add(name)
                node.input[position] = f"{name}_wide"
        nodes.append(node)
        for position, name in enumerate(node.output):
            if name in in_half:
                node.output[position] = f"{name}_exact"
                nodes.append(_cast(f"{name}_exact", name, TensorProto.FLOAT16))
    _replace(model.graph, nodes, list(graph.initializer))
    onnx.checker.check_model(model, full_check=True)
    return model


def choose_half(index: GraphIndex, largest: Mapping[str, float]) -> tuple[set[str], list[str]]:
    """Names of the nodes that run in half, and of those that cannot for the values they handle."""
    exact = exact_nodes(index)
    half: set[str] = set()
    homes: set[str] = set()  # values that are computed in half
    overflowing: list[str] = []
    for node in index.nodes:
        if node.domain not in ("", "ai.onnx") or node.name in exact or not index.float_inputs(node):
            continue
        moved = any(name in homes for name in node.input)
        if node.op_type not in _HALF and not (node.op_type in _MOVING and moved):
            continue
        if _overflows(index, node, largest):
            overflowing.append(node.name)
            continue
        half.add(node.name)
        homes.update(index.float_outputs(node))
    return half, overflowing


def exact_nodes(index: GraphIndex) -> set[str]:
    """The arithmetic of boxes, and sampling by a grid up to the next layer with weights."""
    exact: set[str] = set()
    for node in index.nodes:
        if node.op_type not in _COORDINATES:
            continue
        exact.add(node.name)
        exact |= index.ancestors([node.input[_COORDINATES[node.op_type]]])
        if node.op_type == "GridSample":
            exact |= _until_weights(index, node)
    return exact


def _until_weights(index: GraphIndex, start: onnx.NodeProto) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in waiting.pop().output:
            for node in index.consumers[name]:
                if node.op_type not in WEIGHTED and node.name not in found:
                    found.add(node.name)
                    waiting.append(node)
    return found


def _overflows(index: GraphIndex, node: onnx.NodeProto, largest: Mapping[str, float]) -> bool:
    for position, name in enumerate(node.input):
        if name in index.weights and name in index.floats and not _is_always_float(node, position):
            weight = index.weight(name)
            size = float(np.abs(weight).max(initial=0))
            # A weight beyond the range, or an epsilon that would become 0.
            if size > LARGEST_HALF or (weight.size == 1 and 0 < size < SMALLEST_HALF):
                return True
    values = (*index.float_inputs(node), *index.float_outputs(node))
    return any(largest.get(name, 0.0) * HEADROOM > LARGEST_HALF for name in values)


def _is_always_float(node: onnx.NodeProto, position: int) -> bool:
    return (node.op_type, position) in _ALWAYS_FLOAT


def _rewrite(model: onnx.ModelProto, index: GraphIndex, half: set[str]) -> None:
    graph = model.graph
    outputs = {value.name for value in graph.output}
    born_half: set[str] = set()
    casts: dict[str, str] = {}  # of a value, its twin of the other type
    nodes: list[onnx.NodeProto] = []

    def twin(name: str, kind: int) -> str:
        """The value in the other type; made once."""
        if name not in casts:
            casts[name] = f"{name}_{'half' if kind == TensorProto.FLOAT16 else 'float'}"
            if name in index.weights:
                values = index.weight(name).astype(np.float16)
                graph.initializer.append(numpy_helper.from_array(values, casts[name]))
            else:
                nodes.append(_cast(name, casts[name], kind))
        return casts[name]

    for node in index.nodes:
        in_half = node.name in half
        for position, name in enumerate(node.input):
            if name not in index.floats:
                continue
            if in_half and not _is_always_float(node, position):
                if name not in born_half:
                    node.input[position] = twin(name, TensorProto.FLOAT16)
            elif name in born_half:
                node.input[position] = twin(name, TensorProto.FLOAT)
        nodes.append(node)
        if not in_half:
            continue
        for name in index.float_outputs(node):
            born_half.add(name)
    # A graph output keeps its name and its type.
    for name in sorted(outputs & born_half):
        inner = f"{name}_half"
        for node in nodes:
            _rename(node.input, name, inner)
            _rename(node.output, name, inner)
        nodes.append(_cast(inner, name, TensorProto.FLOAT))

    used = {name for node in nodes for name in node.input} | outputs
    _replace(graph, nodes, [tensor for tensor in graph.initializer if tensor.name in used])


def _replace(
    graph: onnx.GraphProto, nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto]
) -> None:
    """Replaces all nodes and weights by these. Types that were inferred before are removed."""
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    copies = [TensorProto.FromString(tensor.SerializeToString()) for tensor in weights]
    for part in (graph.node, graph.initializer, graph.value_info):
        del part[:]
    graph.node.extend(kept)
    graph.initializer.extend(copies)


def _cast(name: str, result: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [name], [result], name=f"cast_{result}", to=kind)


def _rename(names: list[str], old: str, new: str) -> None:
    for position, name in enumerate(names):
        if name == old:
            names[position] = new
