"""The largest magnitudes that the values of a network take."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv_export.precision.graph_index import GraphIndex, prepared
from edgecv_export.precision.pipeline import Feed

# Values that are only moved are not measured again.
_UNCHANGED = frozenset({"Concat", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose"})


def largest_values(model: onnx.ModelProto, feeds: Iterable[Feed]) -> dict[str, float]:
    """The largest magnitude of each float32 value of the graph, inputs included, over all feeds.
    Raises ExportError for graphs whose values have no known type."""
    import onnxruntime

    model = prepared(model)
    index = GraphIndex(model)
    names = [value.name for value in model.graph.input if value.name in index.floats]
    for node in index.nodes:
        if node.op_type not in _UNCHANGED:
            names += index.float_outputs(node)
    del model.graph.output[:]
    for position, name in enumerate(names):
        _measure(model.graph, name, f"largest_{position}")
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([-1], np.int64), "largest_shape"),
            # A value may be empty, as the boxes of a level are.
            numpy_helper.from_array(np.zeros(1, np.float32), "largest_zero"),
        ]
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    largest = dict.fromkeys(names, 0.0)
    for feed in feeds:
        for name, value in zip(names, session.run(None, feed), strict=True):
            largest[name] = max(largest[name], float(value))
    for node in index.nodes:  # in the graph's order, so that chains of moves work out
        if node.op_type in _UNCHANGED:
            inputs = [largest.get(name, 0.0) for name in node.input]
            largest |= dict.fromkeys(node.output, max(inputs, default=0.0))
    return largest


def _measure(graph: onnx.GraphProto, name: str, result: str) -> None:
    flat, whole, size = (f"{result}_{step}" for step in ("flat", "whole", "size"))
    graph.node.extend(
        [
            helper.make_node("Reshape", [name, "largest_shape"], [flat]),
            helper.make_node("Concat", [flat, "largest_zero"], [whole], axis=0),
            helper.make_node("Abs", [whole], [size]),
            helper.make_node("ReduceMax", [size], [result], keepdims=0),
        ]
    )
    graph.output.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, []))
