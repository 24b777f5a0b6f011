"""INT8 graphs: Q/DQ nodes around layers, by ONNX Runtime's quantiser, in two dialects.

* ``onnx``: for processors. Activations uint8 with a zero point, weights int8 with a scale for each
  output channel, biases int32.
* ``tensorrt``: everything int8 with zero points that are zero, biases float32.

Inputs and outputs stay float32.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import onnx

from edgecv_export.precision.calibration import measure_ranges, quiet
from edgecv_export.precision.fp16_graph import exact_nodes
from edgecv_export.precision.graph_index import GraphIndex, prepared
from edgecv_export.precision.hard_swish import Gates, close_gates, open_gates
from edgecv_export.precision.pipeline import Feed
from edgecv_runtime import InputError

LAYERS = frozenset({"Conv", "Gemm", "MatMul"})  # what has weights
_OPERATORS = {
    "onnx": LAYERS
    | {"Add", "AveragePool", "Clip", "Concat", "GlobalAveragePool", "MaxPool", "Mul", "Relu"}
    | {"Reshape", "Transpose"},
    # TensorRT fuses the rest into layers itself.
    "tensorrt": LAYERS | {"Add", "MaxPool"},
}
# What only moves values; at the end of a graph that is done on floats, each level in its own range.
_MOVES = frozenset({"Concat", "Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})


class Quantizer:
    """A graph on the way to INT8: its ranges are measured once, layers kept in float by name.

    Args:
        model: float32, with its weights inside.
        dialect: ``onnx`` or ``tensorrt``.
        reduce_range: weights of 7 bits, for processors that add up products in 16.
    """

    def __init__(self, model: onnx.ModelProto, dialect: str, *, reduce_range: bool = False) -> None:
        self.dialect = dialect
        self.reduce_range = reduce_range and dialect == "onnx"
        self.model = prepared(model)
        if dialect == "onnx":
            _pool_globally(self.model)
        self.model = onnx.shape_inference.infer_shapes(self.model)
        self.index = GraphIndex(self.model)
        self._float = exact_nodes(self.index) | _last_moves(self.model, self.index)
        if dialect == "tensorrt":
            self._float |= _constant_sums(self.model, self.index)
        self._ranges: Any = None

    @property
    def layers(self) -> list[str]:
        """Names of the layers with weights that can be quantised."""
        return [
            node.name
            for node in self.index.nodes
            if node.op_type in LAYERS
            and node.name not in self._float
            and any(name in self.index.weights for name in node.input)
        ]

    def weight_name(self, layer: str) -> str:
        (node,) = (node for node in self.index.nodes if node.name == layer)
        return next(name for name in node.input if name in self.index.weights)

    def find(self, patterns: Iterable[str]) -> list[str]:
        """Layers whose name or weight's name fits a pattern such as ``head.*``.

        Raises InputError where a pattern fits none.
        """
        found: list[str] = []
        for pattern in patterns:
            fits = [
                layer
                for layer in self.layers
                if any(fnmatch.fnmatchcase(n, pattern) for n in (layer, self.weight_name(layer)))
            ]
            found += [layer for layer in fits if layer not in found]
        return found

    def calibrate(self, feeds: Iterable[Feed], method: str) -> None:
        """Measures ranges; see `measure_ranges`."""
        kinds = {node.op_type for node in self.index.nodes} & (
            _OPERATORS[self.dialect] | {"HardSwish", "HardSigmoid"}
        )
        # Values of boxes and of empty levels have no range; the operators around them need none.
        self._ranges = measure_ranges(
            self.model, feeds, method, kinds, symmetric=self.dialect == "tensorrt"
        )

    def quantize(self, keep_float: Collection[str] = ()) -> onnx.ModelProto:
        """The INT8 graph. Layers of the given names stay in float."""
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        kept = self._float | set(keep_float)
        gates = open_gates(model, kept) if self.dialect == "onnx" else Gates()
        activations = QuantType.QUInt8 if self.dialect == "onnx" else QuantType.QInt8
        symmetric = self.dialect == "tensorrt"
        with quiet():
            quantizer = QDQQuantizer(
                onnx.shape_inference.infer_shapes(model),
                per_channel=True,
                reduce_range=self.reduce_range,
                weight_qType=QuantType.QInt8,
                activation_qType=activations,
                tensors_range=_with_gates(self._ranges, gates),
                nodes_to_quantize=[],
                nodes_to_exclude=sorted(kept),
                op_types_to_quantize=sorted(_OPERATORS[self.dialect]),
                extra_options={
                    "ActivationSymmetric": symmetric,
                    "WeightSymmetric": True,
                    "QuantizeBias": not symmetric,
                    "ForceQuantizeNoInputCheck": False,
                },
            )
            quantizer.quantize_model()
            quantizer.model.topological_sort()
        result: onnx.ModelProto = quantizer.model.model
        close_gates(result, gates)
        onnx.checker.check_model(result, full_check=True)
        return result


def check_patterns(patterns: Sequence[str], quantizers: Iterable[Quantizer]) -> None:
    """Raises InputError for a pattern that fits no layer of any graph."""
    quantizers = list(quantizers)
    for pattern in patterns:
        if not any(quantizer.find([pattern]) for quantizer in quantizers):
            layers = [q.weight_name(layer) for q in quantizers for layer in q.layers]
            raise InputError(
                f"keep-float: no layer is named {pattern!r}; the layers are {', '.join(layers[:6])}"
                + (" and more" if len(layers) > 6 else "")
            )


def _constant_sums(model: onnx.ModelProto, index: GraphIndex) -> set[str]:
    """Additions of a constant, such as the epsilon of a variance: TensorRT takes no quantised
    constant there."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return {
        node.name
        for node in index.nodes
        if node.op_type == "Add" and any(name in constants for name in node.input)
    }


def _pool_globally(model: onnx.ModelProto) -> None:
    """Means over the image become GlobalAveragePool, which has a byte form."""
    index = GraphIndex(model)
    for node in index.nodes:
        if node.op_type != "ReduceMean" or len(node.input) != 2:
            continue
        keeps = next((a.i for a in node.attribute if a.name == "keepdims"), 1)
        axes = index.weight(node.input[1]).tolist() if node.input[1] in index.weights else []
        if keeps == 1 and sorted(axes) in ([2, 3], [-2, -1]) and node.input[0] in index.floats:
            pool = onnx.helper.make_node(
                "GlobalAveragePool", [node.input[0]], list(node.output), name=node.name
            )
            node.CopyFrom(pool)
    used = {name for node in model.graph.node for name in node.input}
    weights = [tensor for tensor in model.graph.initializer if tensor.name in used]
    copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in weights]
    del model.graph.initializer[:]
    model.graph.initializer.extend(copies)


def _last_moves(model: onnx.ModelProto, index: GraphIndex) -> set[str]:
    """Nodes after which nothing is computed any more."""
    found: set[str] = set()
    for node in reversed(index.nodes):
        if node.op_type not in _MOVES:
            continue
        takers = [taker for name in node.output for taker in index.consumers[name]]
        if all(taker.name in found for taker in takers):
            found.add(node.name)
    return found


def _with_gates(ranges: Any, gates: Gates) -> Any:
    from onnxruntime.quantization.calibrate import TensorData, TensorsData

    values = dict(ranges.data)
    for name, (low, high) in gates.ranges.items():
        values[name] = TensorData(lowest=np.float32(low), highest=np.float32(high))
    return TensorsData(ranges.calibration_method, values)
