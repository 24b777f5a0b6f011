"""Which anchors may belong to a network from elsewhere: by its weights, convolutions, counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv_export.outputs.activation import PASSING

if TYPE_CHECKING:
    import onnx

ENCODINGS = ("xyxy", "cxcywh", "xywh")
# Per cell: n = 2 + 2 k boxes with k ratios beside 1 (torchvision's DefaultBoxGenerator, SSD).
_RATIOS = {2: [], 4: [2.0], 6: [2.0, 3.0], 8: [2.0, 3.0, 4.0]}


@dataclass(frozen=True)
class Level:
    """A feature map with the boxes that each of its cells has."""

    height: int
    width: int
    per_cell: int

    @property
    def count(self) -> int:
        return self.height * self.width * self.per_cell

    def __str__(self) -> str:
        return f"{self.height}x{self.width} x {self.per_cell}"


def stored_arrays(
    model: onnx.ModelProto, count: int | None = None
) -> dict[str, NDArray[np.float32]]:
    """The weights and constants of a graph that may be its anchors: float, [A, 4] or [1, A, 4], of
    any number or of ``count``."""
    from onnx import TensorProto, numpy_helper

    floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    tensors[node.output[0]] = attribute.t
    found = {}
    for name, tensor in tensors.items():
        sides = list(tensor.dims)
        if len(sides) not in (2, 3) or sides[-1] != 4 or (len(sides) == 3 and sides[0] != 1):
            continue
        if count is not None and sides[-2] != count:
            continue
        if tensor.data_type not in floats:
            continue
        array = numpy_helper.to_array(tensor)
        if np.isfinite(array).all():
            found[name] = array.reshape(-1, 4).astype(np.float32)
    return found


def to_xyxy(boxes: NDArray[np.float32], encoding: str) -> NDArray[np.float32]:
    """Corners of boxes [A, 4] that are written otherwise."""
    first, second = boxes[:, :2], boxes[:, 2:]
    if encoding == "cxcywh":
        return np.hstack([first - second / 2, first + second / 2])
    return np.hstack([first, first + second]) if encoding == "xywh" else boxes


def guess_encoding(boxes: NDArray[np.float32]) -> str:
    """``xyxy`` where the corners are always in order, else ``cxcywh``."""
    return "xyxy" if (boxes[:, 2:] >= boxes[:, :2]).all() else "cxcywh"


def head_convolutions(model: onnx.ModelProto, output: str) -> list[str]:
    """Outputs of the convolutions that an output is put together from, in the order of its rows."""
    producers = {name: node for node in model.graph.node for name in node.output}
    weights = {tensor.name for tensor in model.graph.initializer}
    found: list[str] = []

    def follow(name: str, depth: int) -> None:
        node = producers.get(name)
        if node is None or depth > 64:
            return
        if node.op_type == "Conv":
            if name not in found:
                found.append(name)
        elif node.op_type == "Concat":
            for each in node.input:
                follow(each, depth + 1)
        elif node.op_type in PASSING or node.op_type in ("Add", "Mul", "Sub", "Div", "Sigmoid"):
            for each in node.input:
                if each not in weights:
                    follow(each, depth + 1)

    follow(output, 0)
    return found


def levels_of(shapes: list[tuple[int, ...]], count: int) -> list[Level] | None:
    """Feature maps from the shapes [B, 4 n, h, w] of the convolutions that give the boxes; None
    where they do not give ``count`` boxes."""
    levels = []
    for shape in shapes:
        if len(shape) != 4 or shape[1] % 4 != 0:
            return None
        levels.append(Level(shape[2], shape[3], shape[1] // 4))
    return levels if levels and sum(level.count for level in levels) == count else None


def fitting_levels(count: int, height: int, width: int) -> list[list[Level]]:
    """Usual pyramids that give this number of boxes for an input of this size."""
    fitting = []
    for strides in _PYRAMIDS:
        cells = [(-(-height // stride), -(-width // stride)) for stride in strides]
        fitting += _with_counts(cells, count)
    # SSD: each map is half of the one before it, down to one cell.
    for first in (8, 16):
        cells = [(-(-height // first), -(-width // first))]
        while len(cells) < 6:
            cells.append((max((cells[-1][0] + 1) // 2, 1), max((cells[-1][1] + 1) // 2, 1)))
        fitting += _with_counts(cells, count)
    if (height, width) == (300, 300):
        fitting += _with_counts([(side, side) for side in (38, 19, 10, 5, 3, 1)], count)
    unique: list[list[Level]] = []
    for each in fitting:
        if each not in unique:
            unique.append(each)
    return unique


_PYRAMIDS = (
    (8, 16, 32),
    (8, 16, 32, 64),
    (8, 16, 32, 64, 128),
    (4, 8, 16, 32, 64),
    (16, 32),
    (16, 32, 64, 128),
    (8,),
    (16,),
)
_UNEQUAL = ([4, 6, 6, 6, 4, 4], [3, 6, 6, 6, 6, 6], [3, 2, 2, 3])


def _with_counts(cells: list[tuple[int, int]], count: int) -> list[list[Level]]:
    wanted = [[n] * len(cells) for n in (1, 2, 3, 4, 5, 6, 9, 12)]
    wanted += [counts for counts in _UNEQUAL if len(counts) == len(cells)]
    return [
        [Level(h, w, n) for (h, w), n in zip(cells, counts, strict=True)]
        for counts in wanted
        if sum(h * w * n for (h, w), n in zip(cells, counts, strict=True)) == count
    ]


def anchor_record(levels: list[Level]) -> dict[str, Any] | None:
    """A manifest's ``anchors`` with as many boxes, whose sizes are a guess; None where neither kind
    has such counts."""
    sizes = [[level.height, level.width] for level in levels]
    scales = np.round(np.linspace(0.1 if len(levels) > 4 else 0.2, 0.9, len(levels)), 3).tolist()
    if all(level.per_cell in _RATIOS for level in levels):
        return {
            "kind": "default_boxes",
            "feature_sizes": sizes,
            "aspect_ratios": [_RATIOS[level.per_cell] for level in levels],
            "scales": [*scales, 1.0],
            "steps": None,
            "clip": True,
        }
    if not all(level.per_cell >= 1 for level in levels):
        return None
    return {
        "kind": "multibox_prior",
        "feature_sizes": sizes,
        "scales": [[scale] for scale in scales],
        "ratios": [
            ([1.0, 2.0, 0.5, 3.0, 1 / 3] + [float(n) for n in range(4, 20)])[: level.per_cell]
            for level in levels
        ],
        "pixel_ratios": True,
    }
