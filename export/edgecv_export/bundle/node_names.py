"""Unique names for the nodes of an ONNX graph.

ONNX allows nodes without a name, and does not check that names differ. ONNX Runtime before 1.22
names the nodes that it fuses after their parts, and refuses a graph in which two nodes have one
name.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx


def graph_bytes(model: onnx.ModelProto) -> bytes:
    """The content of a graph file: the model, whose nodes are named first."""
    name_nodes(model)
    content: bytes = model.SerializeToString()
    return content


def name_nodes(model: onnx.ModelProto) -> bool:
    """Gives a name to each node that has none, or one that another node has. The first node of a
    name keeps it; subgraphs and functions have names of their own. Returns whether a name
    was given.
    """
    return any([_name(each.node) for each in (model.graph, *model.functions)])


def _name(nodes: Iterable[Any]) -> bool:
    nodes = list(nodes)
    taken = {node.name for node in nodes} | {""}
    seen = {""}
    changed = False
    for node in nodes:
        if node.name in seen:
            stem = node.name or node.op_type
            node.name = next(n for i in count(1) if (n := f"{stem}_{i}") not in taken)
            taken.add(node.name)
            changed = True
        seen.add(node.name)
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                changed |= _name(graph.node)
    return changed
