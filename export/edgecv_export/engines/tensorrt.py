"""TensorRT engines from ONNX graphs, with NVIDIA TensorRT for RTX; no GPU is needed to build.

Networks are strongly typed: the types in the ONNX graph are those of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecv_runtime import EngineError, InputError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ShapeRange:
    """Shapes that an input with lengths left open may have, and the one to be fastest at."""

    smallest: Shape
    typical: Shape
    largest: Shape


@dataclass(frozen=True)
class Port:
    """An input or output of an engine; -1 stands for a length left open."""

    name: str
    dtype: str  # as NumPy spells it
    shape: Shape


@dataclass(frozen=True)
class Plan:
    content: bytes  # as trtexec reads it
    inputs: list[Port]
    outputs: list[Port]


def build_plan(
    onnx_bytes: bytes,
    ranges: Mapping[str, ShapeRange] | None = None,
    *,
    compute_capabilities: Sequence[int] = (86,),
) -> Plan:
    """Builds an engine.

    Args:
        onnx_bytes: an ONNX model with its weights inside, of dialect ``tensorrt``.
        ranges: for each input with lengths left open, by name.
        compute_capabilities: GPUs that the engine is for, such as 86 or 89 (8.6, 8.9).

    Raises:
        InputError: a range is missing or names no such input; an unknown compute capability.
        EngineError: TensorRT refuses the graph; the message names the node, or TensorRT is missing.
    """
    trt = _import_tensorrt()
    messages = _make_logger(trt)
    builder = trt.Builder(messages)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, messages)
    if not parser.parse(onnx_bytes):
        raise EngineError(_parser_error(parser))
    config = builder.create_builder_config()
    config.num_compute_capabilities = len(compute_capabilities)
    for index, number in enumerate(compute_capabilities):
        config.set_compute_capability(_compute_capability(trt, number), index)
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    profile = _profile(builder, inputs, ranges or {})
    if profile is not None:
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(
            "TensorRT for RTX parsed the graph but cannot build it: "
            + (messages.errors[-1] if messages.errors else "it gave no reason")
        )
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    return Plan(
        bytes(plan), [_port(trt, each) for each in inputs], [_port(trt, o) for o in outputs]
    )


def _port(trt: Any, tensor: Any) -> Port:
    return Port(tensor.name, np.dtype(trt.nptype(tensor.dtype)).name, tuple(tensor.shape))


def _import_tensorrt() -> Any:
    try:
        import tensorrt_rtx
    except ImportError as error:
        raise EngineError(
            "TensorRT for RTX is not installed: run pip install tensorrt_rtx"
        ) from error
    return tensorrt_rtx


def _make_logger(trt: Any) -> Any:
    """Keeps errors and prints nothing."""

    class Messages(trt.ILogger):
        def __init__(self) -> None:
            super().__init__()
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity <= trt.ILogger.ERROR:
                self.errors.append(" ".join(message.split()))

    return Messages()


def _parser_error(parser: Any) -> str:
    # The first is the cause; those that follow it come from unwinding.
    error = parser.get_error(0)
    node = error.node_operator() or "the graph"
    name = f" ({error.node_name()})" if error.node_name() else ""
    return f"TensorRT for RTX refuses {node}{name}: {' '.join(error.desc().split())}"


def _compute_capability(trt: Any, number: int) -> Any:
    known = {
        int(name[2:]): value
        for name, value in trt.ComputeCapability.__members__.items()
        if name.startswith("SM")
    }
    if number not in known:
        raise InputError(
            f"compute capability {number}: expected one of {', '.join(map(str, sorted(known)))}"
        )
    return known[number]


def _profile(builder: Any, inputs: list[Any], ranges: Mapping[str, ShapeRange]) -> Any:
    """The optimisation profile, or None where no length is left open."""
    open_shapes = {tensor.name: tuple(tensor.shape) for tensor in inputs if -1 in tensor.shape}
    for name in ranges:
        if name not in open_shapes:
            raise InputError(
                f"a range is given for {name!r}; inputs with lengths left open are "
                f"{', '.join(open_shapes) or 'none'}"
            )
    if not open_shapes:
        return None
    profile = builder.create_optimization_profile()
    for name, shape in open_shapes.items():
        if name not in ranges:
            raise InputError(f"input {name!r} has shape {shape}: give a range for it")
        chosen = ranges[name]
        profile.set_shape(name, chosen.smallest, chosen.typical, chosen.largest)
    return profile
