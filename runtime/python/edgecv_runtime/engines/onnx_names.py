"""Names for the nodes of an ONNX file that is in memory, without the package onnx.

ONNX Runtime before 1.22 names the nodes that it fuses after their parts, and refuses a graph in
which two of these have one name: "two nodes with same node name". Files without names of nodes are
valid, and older versions of edgecv wrote some.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

# Numbers of fields in onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_NODE = 1
_NODE_NAME = 3

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types


def name_nodes(content: bytes) -> bytes:
    """The same file, in which each node of the main graph has a name of its own. The first node of
    a name keeps it.

    Raises:
        ValueError: the content is not an ONNX file.
    """
    parts: list[memoryview | bytes] = []
    for number, start, value, end in _fields(memoryview(content)):
        field = memoryview(content)[start:end]
        if number != _MODEL_GRAPH:
            parts.append(field)
            continue
        graph = _name_graph(memoryview(content)[value:end])
        parts += [_key(_MODEL_GRAPH), _varint(sum(map(len, graph))), *graph]
    return b"".join(parts)


def _name_graph(graph: memoryview) -> list[memoryview | bytes]:
    nodes = [graph[v:end] for number, _, v, end in _fields(graph) if number == _GRAPH_NODE]
    names = iter(_unique([_name_of(node) for node in nodes]))
    parts: list[memoryview | bytes] = []
    for number, start, value, end in _fields(graph):
        if number != _GRAPH_NODE:
            parts.append(graph[start:end])
            continue
        # Of a field that comes twice, the last one counts.
        name = next(names)
        named = b"".join([graph[value:end], _key(_NODE_NAME), _varint(len(name)), name])
        parts += [_key(_GRAPH_NODE), _varint(len(named)), named]
    return parts


def _name_of(node: memoryview) -> bytes:
    name = b""
    for number, _, value, end in _fields(node):
        if number == _NODE_NAME:
            name = bytes(node[value:end])
    return name


def _unique(names: list[bytes]) -> list[bytes]:
    taken, seen, result = {*names}, {b""}, []
    for name in names:
        if name in seen:
            numbered = (b"%s_%d" % (name or b"node", index) for index in count(1))
            name = next(each for each in numbered if each not in taken)
            taken.add(name)
        seen.add(name)
        result.append(name)
    return result


def _fields(message: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Number, start, start of the value, and end of each field."""
    position = 0
    while position < len(message):
        start = position
        key, position = _read_varint(message, position)
        value = position
        if key & 7 == _VARINT:
            _, position = _read_varint(message, position)
        elif key & 7 == _BYTES:
            length, value = _read_varint(message, position)
            position = value + length
        elif key & 7 in (_FIXED64, _FIXED32):
            position += 8 if key & 7 == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {key & 7}: not an ONNX file")
        if position > len(message):
            raise ValueError("the file ends within a field: not an ONNX file")
        yield key >> 3, start, value, position


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    number = shift = 0
    while position < len(message) and shift < 70:
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, position
    raise ValueError("a number without an end: not an ONNX file")


def _key(number: int) -> bytes:
    return _varint(number << 3 | _BYTES)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
