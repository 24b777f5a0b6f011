"""Hard swish and hard sigmoid in byte arithmetic.

ONNX Runtime has no byte form of either, and going to float and back costs more than the layer
before. But clamping is what quantising does anyway: with x + 3 quantised in the range 0..6,
``clip(x + 3, 0, 6)`` is nothing but an addition of bytes. The division by 6 is free too: the bytes
are read back with a scale that is six times smaller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

WIDTH = 6.0  # of the slope, for slope 1 / 6 and offset 1 / 2


@dataclass
class Gates:
    """What was opened: values that are six times too large before quantising."""

    outputs: list[str] = field(default_factory=list)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)


def open_gates(model: onnx.ModelProto, keep_float: Collection[str] = ()) -> Gates:
    """Rewrites hard swish and hard sigmoid in place as additions, clips and products; the model is
    whole again only after `close_gates`. Nodes of the given names stay."""
    graph = model.graph
    gates = Gates()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.name in keep_float or not _is_gate(node):
            nodes.append(node)
            continue
        source, result = node.input[0], node.output[0]
        swish = node.op_type == "HardSwish"
        raised, gate = f"{result}_raised", f"{result}_gate" if swish else result
        nodes += [
            helper.make_node("Add", [source, "gate_offset"], [raised], name=f"{node.name}_raise"),
            helper.make_node(
                "Clip", [raised, "gate_low", "gate_high"], [gate], name=f"{node.name}_clip"
            ),
        ]
        if swish:
            nodes.append(helper.make_node("Mul", [source, gate], [result], name=node.name))
        gates.outputs.append(gate)
        gates.ranges |= {raised: (0.0, WIDTH), gate: (0.0, WIDTH)}
    if gates.outputs:
        gates.ranges["gate_offset"] = (0.0, WIDTH / 2)
        for name, value in (("gate_offset", WIDTH / 2), ("gate_low", 0.0), ("gate_high", WIDTH)):
            graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    return gates


def close_gates(model: onnx.ModelProto, gates: Gates) -> None:
    """Divides the scale with which each gate's bytes are read by six, in place."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    readers = {node.output[0]: node for node in model.graph.node}
    takers: dict[str, set[str]] = defaultdict(set)
    for node in model.graph.node:
        for name in node.input:
            takers[name].add(node.op_type)
    for gate in gates.outputs:
        reader = readers.get(f"{gate}_DequantizeLinear_Output")
        assert reader is not None and takers[gate] == {"QuantizeLinear"}, f"{gate} stayed in float"
        scale = numpy_helper.to_array(weights[reader.input[1]]) / np.float32(WIDTH)
        name = f"{gate}_scale_of_gate"
        model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), name))
        reader.input[1] = name


def _is_gate(node: onnx.NodeProto) -> bool:
    if node.op_type == "HardSigmoid":
        values = {attribute.name: attribute.f for attribute in node.attribute}
        slope, offset = values.get("alpha", 0.2), values.get("beta", 0.5)
        return abs(slope * WIDTH - 1) < 1e-6 and offset == 0.5
    return node.op_type == "HardSwish"
