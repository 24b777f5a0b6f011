"""Who makes and who takes each value of an ONNX graph, and of which type it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from edgecv_export.errors import ExportError


class GraphIndex:
    """A look-up over a model without subgraphs; it does not follow later changes of the model.

    Attributes:
        nodes: in the order of the graph, each with a name of its own.
        producers: the node that makes a value; graph inputs and weights have none.
        consumers: the nodes that take a value.
        weights: initializers by name.
        floats: names of all values that are float32, weights included.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.nodes = list(graph.node)
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.producers: dict[str, onnx.NodeProto] = {}
        self.consumers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.output:
                self.producers[name] = node
            for name in filter(None, node.input):
                self.consumers[name].append(node)
        self.floats = _float_values(model)

    def float_inputs(self, node: onnx.NodeProto) -> list[str]:
        return [name for name in node.input if name in self.floats]

    def float_outputs(self, node: onnx.NodeProto) -> list[str]:
        return [name for name in node.output if name in self.floats]

    def ancestors(self, values: Iterable[str]) -> set[str]:
        """Names of the nodes that the values depend on."""
        found: set[str] = set()
        waiting = list(values)
        while waiting:
            node = self.producers.get(waiting.pop())
            if node is not None and node.name not in found:
                found.add(node.name)
                waiting += node.input
        return found

    def weight(self, name: str) -> np.ndarray:
        return numpy_helper.to_array(self.weights[name])


def prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which each node has a name of its own and each constant is an initializer.

    Raises ExportError if the graph holds control flow or local functions.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    if copy.functions:
        raise ExportError(
            f"the graph holds the local function {copy.functions[0].name}: inline it first "
            "(onnx.inliner.inline_local_functions)"
        )
    taken: set[str] = set()
    nodes = []
    for index, node in enumerate(graph.node):
        if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
            raise ExportError(
                f"the graph holds {node.op_type} ({node.name}) with a graph inside, whose "
                "precision cannot be changed: replace it"
            )
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
            graph.initializer.add().CopyFrom(tensor)
            graph.initializer[-1].name = node.output[0]
            continue
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{index}"
        taken.add(node.name)
        nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    return copy


def _float_values(model: onnx.ModelProto) -> set[str]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        kinds[value.name] = value.type.tensor_type.elem_type
    for node in graph.node:
        for name in filter(None, node.output):
            if not kinds.get(name):
                raise ExportError(
                    f"the type of {name!r}, which {node.op_type} ({node.name}) gives, cannot be "
                    "told: its precision cannot be changed"
                )
    return {name for name, kind in kinds.items() if kind == TensorProto.FLOAT}
