"""How much each layer's result suffers from another precision, layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv_export.precision.graph_index import GraphIndex
from edgecv_export.precision.int8_graph import LAYERS, Quantizer
from edgecv_export.precision.pipeline import Feed


@dataclass(frozen=True)
class LayerError:
    """``error``: root mean square of what the precision changes in the layer's output, fed with
    exact values, over the root mean square of the output."""

    layer: str
    weight: str
    error: float


def rank_layers(
    quantizer: Quantizer, quantized: onnx.ModelProto, feeds: Iterable[Feed]
) -> list[LayerError]:
    """The layers that are quantised in ``quantized``, the most sensitive first.

    All layers are measured in one run of the float network: each has a twin beside it with the
    quantised weights, which takes the layer's own input through the quantised one's Q/DQ.
    """
    model = onnx.ModelProto()
    model.CopyFrom(quantizer.model)
    names = _add_twins(model, quantized, quantizer.layers)
    return layer_errors(model, [(name, quantizer.weight_name(name)) for name in names], feeds)


def layer_errors(
    model: onnx.ModelProto, layers: Sequence[tuple[str, str]], feeds: Iterable[Feed]
) -> list[LayerError]:
    """Runs a network whose outputs are those of `compared`, for each layer and its weight's name.
    The largest errors come first."""
    import onnxruntime

    if not layers:
        return []
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    squares = np.zeros((len(layers), 2))
    for feed in feeds:
        squares += np.array(session.run(None, feed), np.float64).reshape(-1, 2)
    found = [
        LayerError(layer, weight, float(np.sqrt(wrong / max(whole, 1e-30))))
        for (layer, weight), (wrong, whole) in zip(layers, squares, strict=True)
    ]
    return sorted(found, key=lambda entry: -entry.error)


def _add_twins(
    model: onnx.ModelProto, quantized: onnx.ModelProto, layers: Collection[str]
) -> list[str]:
    graph = model.graph
    originals = {node.name: node for node in graph.node}
    index = GraphIndex(quantized)
    del graph.output[:]
    added: dict[str, TensorProto] = {}
    nodes: list[onnx.NodeProto] = []
    names: list[str] = []
    for node in index.nodes:
        if node.op_type not in LAYERS or node.name not in layers:
            continue
        readers = [index.producers.get(name) for name in node.input[:2]]
        if any(reader is None or reader.op_type != "DequantizeLinear" for reader in readers):
            continue
        original = originals[node.name]
        prefix = f"twin_{len(names)}"
        inputs = list(original.input)
        for position, reader in enumerate(readers):
            assert reader is not None
            step, centre = (index.weight(name) for name in reader.input[1:3])
            if reader.input[0] in index.weights:
                weight = _dequantized(index.weight(reader.input[0]), step, centre, _axis(reader))
                inputs[position] = f"{prefix}_weight"
                added[inputs[position]] = numpy_helper.from_array(weight, inputs[position])
                continue
            scale, zero = (f"{prefix}_scale", f"{prefix}_zero")
            added[scale] = numpy_helper.from_array(step, scale)
            added[zero] = numpy_helper.from_array(centre, zero)
            codes, inputs[position] = f"{prefix}_codes", f"{prefix}_input"
            nodes += [
                helper.make_node(
                    "QuantizeLinear", [original.input[position], scale, zero], [codes]
                ),
                helper.make_node("DequantizeLinear", [codes, scale, zero], [inputs[position]]),
            ]
        twin = onnx.NodeProto()
        twin.CopyFrom(original)
        twin.name = prefix
        del twin.input[:], twin.output[:]
        twin.input.extend(inputs)
        twin.output.append(f"{prefix}_output")
        nodes += [twin, *compared(graph, prefix, twin.output[0], original.output[0])]
        names.append(node.name)
    graph.node.extend(nodes)
    graph.initializer.extend(added.values())
    return names


def compared(graph: onnx.GraphProto, prefix: str, changed: str, exact: str) -> list[onnx.NodeProto]:
    """Nodes that add up the squares of a change and of the exact value, which become outputs."""
    for result in (f"{prefix}_wrong", f"{prefix}_whole"):
        graph.output.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, []))
    return [
        helper.make_node("Sub", [changed, exact], [f"{prefix}_change"]),
        helper.make_node("ReduceSumSquare", [f"{prefix}_change"], [f"{prefix}_wrong"], keepdims=0),
        helper.make_node("ReduceSumSquare", [exact], [f"{prefix}_whole"], keepdims=0),
    ]


def _dequantized(codes: np.ndarray, scale: np.ndarray, zero: np.ndarray, axis: int) -> np.ndarray:
    shape = [1] * codes.ndim
    if scale.size > 1:
        shape[axis] = scale.size
    centred = codes.astype(np.float32) - zero.astype(np.float32).reshape(shape)
    return (centred * scale.reshape(shape)).astype(np.float32)


def _axis(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
