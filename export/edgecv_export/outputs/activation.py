"""Whether a network's scores are logits, or have been through a softmax or sigmoid already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

Activation = Literal["softmax", "sigmoid", "unsure"]

# Operators that leave values as they are, or between their neighbours.
PASSING = frozenset(
    {
        "Cast", "Concat", "Dropout", "Expand", "Flatten", "Gather", "Identity", "Pad", "Reshape",
        "Resize", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
    }
)  # fmt: skip
# Operators that have no bound of 1, so that a network that ends in them gives logits.
_UNBOUNDED = frozenset(
    {
        "Add", "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "Einsum", "Elu",
        "FusedMatMul", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSwish",
        "InstanceNormalization", "LayerNormalization", "LeakyRelu", "MatMul", "MaxPool", "PRelu",
        "ReduceMax", "ReduceMean", "Relu",
    }
)  # fmt: skip
_SIGMOIDS = frozenset({"HardSigmoid", "Sigmoid"})
_SLACK = 1e-4  # of 0 and 1
_SUM_SLACK = 2e-3  # of the sum of all classes' probabilities, in FP16 too


def activation_inside(
    model: onnx.ModelProto, output: str, values: Sequence[NDArray[np.float32]], axis: int
) -> Activation | None:
    """What the scores have been through, by their values on images and by the graph's last step.

    Args:
        model: the network.
        output: the name of its scores.
        values: the scores on some images, with the classes along ``axis``.

    Returns:
        ``"softmax"``: they lie in 0..1 and add up to 1 along the axis. ``"sigmoid"``: they lie in
        0..1 and the network ends in a sigmoid. ``"unsure"``: they lie in 0..1, and the last step is
        neither a sigmoid nor one that gives logits. None: they are logits.
    """
    if min(float(each.min()) for each in values) < -_SLACK:
        return None
    if max(float(each.max()) for each in values) > 1 + _SLACK:
        return None
    last = last_operator(model, output)
    if all(_add_up(each, axis) for each in values):
        return "softmax"
    if last in _SIGMOIDS:
        return "sigmoid"
    return None if last in _UNBOUNDED else "unsure"


def last_operator(model: onnx.ModelProto, output: str) -> str | None:
    """The last operator that changes the values of an output; None where there is none."""
    producers = {name: node for node in model.graph.node for name in node.output}
    weights = {tensor.name for tensor in model.graph.initializer}
    name, seen = output, 0
    while (node := producers.get(name)) is not None and seen < len(producers):
        if node.op_type not in PASSING:
            return str(node.op_type)
        name = next((each for each in node.input if each not in weights), "")
        seen += 1
    return None


def _add_up(values: NDArray[np.float32], axis: int) -> bool:
    if values.shape[axis] < 2:
        return False
    sums = values.sum(axis=axis, dtype=np.float64)
    return bool((np.abs(sums - 1) <= _SUM_SLACK).all())
