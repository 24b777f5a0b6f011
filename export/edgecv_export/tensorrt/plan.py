"""Engines of TensorRT and TensorRT for RTX from ONNX graphs.

Networks are strongly typed: the types in the ONNX graph are those of the engine, so FP16 and INT8
come from the graph and never from a flag. TensorRT for RTX needs no GPU to build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgecv.training.run.progress import MakeBar
from edgecv_export.tensorrt.build_monitor import watching
from edgecv_export.tensorrt.builder_options import (
    attach_timing_cache,
    make_builder,
    set_compatibility,
    set_targets,
    set_tf32,
)
from edgecv_runtime import EngineError, InputError
from edgecv_runtime.engines.built.record import ShapeRange
from edgecv_runtime.engines.tensorrt_modules import (
    KINDS,
    dtype_name,
    first_error,
    import_tensorrt,
    make_logger,
)
from edgecv_runtime.one_line import joined

Shape = tuple[int, ...]

__all__ = ["BuildOptions", "Plan", "Port", "ShapeRange", "build_plan"]


@dataclass(frozen=True)
class BuildOptions:
    """How engines are built.

    Attributes:
        compute_capabilities: TensorRT for RTX only: GPUs that the engine is for, 86 for 8.6.
        workspace_mib: most memory that a layer may use while it runs; None: all of the GPU's.
        compatibility: TensorRT only: ``ampere_plus`` runs on other GPUs of Ampere and later,
            ``same_compute_capability`` (TensorRT 10.9 and later) on others of the same capability.
        version_compatible: TensorRT only: later releases of the same major version load it too.
        tf32: float32 convolutions may round their factors to 10 bits, for speed.
    """

    compute_capabilities: Sequence[int] = ()
    workspace_mib: int | None = None
    compatibility: str = "none"
    version_compatible: bool = False
    tf32: bool = False


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
    timing_cache: bytes | None = None  # for the next build


def build_plan(
    onnx_bytes: bytes,
    ranges: Mapping[str, ShapeRange] | None = None,
    *,
    kind: str = "tensorrt_rtx",
    options: BuildOptions | None = None,
    timing_cache: bytes = b"",
    title: str = "building",
    progress: MakeBar | None = None,
) -> Plan:
    """Builds an engine.

    Args:
        onnx_bytes: an ONNX model with its weights inside.
        ranges: for each input with lengths left open, by name. A range of one shape fixes it.
        kind: ``tensorrt`` or ``tensorrt_rtx``.
        options: how.
        timing_cache: of an earlier build, empty for none.
        title: text in front of the progress bar.
        progress: makes a bar for each phase; None: nothing is shown.

    Raises:
        InputError: a range is missing or names no such input; an option that the installed version
            does not have; an unknown compute capability.
        EngineError: TensorRT refuses the graph: the message names the node; or it is missing, or
            cannot start.
    """
    trt = import_tensorrt(kind)
    options = options or BuildOptions()
    messages = make_logger(trt)
    builder = make_builder(trt, kind, messages)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, messages)
    if not parser.parse(onnx_bytes):
        raise EngineError(_parser_error(parser, KINDS[kind].title))
    config = builder.create_builder_config()
    set_targets(trt, kind, config, options.compute_capabilities)
    set_compatibility(trt, kind, config, options.compatibility, options.version_compatible)
    set_tf32(trt, config, options.tf32)
    if options.workspace_mib is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    cache = attach_timing_cache(kind, config, timing_cache)
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    profile = _profile(builder, inputs, ranges or {})
    if profile is not None:
        config.add_optimization_profile(profile)
    with watching(trt, config, title, progress):
        plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(_builder_error(messages, KINDS[kind].title))
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    return Plan(
        bytes(plan),
        [_port(trt, each) for each in inputs],
        [_port(trt, each) for each in outputs],
        bytes(cache.serialize()) if cache is not None else None,
    )


def _port(trt: Any, tensor: Any) -> Port:
    return Port(tensor.name, dtype_name(trt, tensor.name, tensor.dtype), tuple(tensor.shape))


def _parser_error(parser: Any, title: str) -> str:
    # The first is the cause; those that follow it come from unwinding.
    error = parser.get_error(0)
    node = error.node_operator() or "the graph"
    name = f" ({error.node_name()})" if error.node_name() else ""
    reason = joined(error.desc())
    return (
        f"{title} refuses {node}{name}: {reason}: export the model anew with the tensorrt dialect, "
        "or replace the module that the node comes from"
    )


def _builder_error(messages: Any, title: str) -> str:
    reason = first_error(messages)
    remedy = "replace the layer that it names, or report it with this line"
    if "memory" in reason.lower():
        remedy = (
            "give smaller shapes (`ShapeWishes.batch`, `height_width`) or a smaller `workspace_mib`"
        )
    return f"{title} parsed the graph but cannot build it: {reason}: {remedy}"


def _profile(builder: Any, inputs: list[Any], ranges: Mapping[str, ShapeRange]) -> Any:
    """The optimisation profile, or None where no length is left open."""
    open_inputs = {tensor.name: tensor for tensor in inputs if -1 in tuple(tensor.shape)}
    for name in ranges:
        if name not in open_inputs:
            raise InputError(
                f"a range is given for {name!r}; inputs with lengths left open are "
                f"{', '.join(open_inputs) or 'none'}"
            )
    profile = None
    for name, tensor in open_inputs.items():
        if name not in ranges:
            raise InputError(f"input {name!r} has shape {tuple(tensor.shape)}: give a range for it")
        chosen = ranges[name]
        if chosen.fixed:
            tensor.shape = chosen.largest
            continue
        profile = profile or builder.create_optimization_profile()
        profile.set_shape(name, chosen.smallest, chosen.typical, chosen.largest)
    return profile
