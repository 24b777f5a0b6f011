"""From a bundle to TensorRT engines; needs neither torch nor onnx."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edgecv.training.run.progress import MakeBar
from edgecv_export.tensorrt.builder_options import check_capabilities
from edgecv_export.tensorrt.plan import BuildOptions, Plan, Port, build_plan
from edgecv_export.tensorrt.shape_ranges import ShapeWishes, check_wishes, shape_ranges
from edgecv_export.tensorrt.store import add_engine, store_for
from edgecv_runtime import Bundle, EngineError, GraphFile, InputError, TensorSpec
from edgecv_runtime.engines.built.record import BuiltEngine, ShapeRange
from edgecv_runtime.engines.cache import (
    KERNELS_LIMIT,
    cache_root,
    make_room,
    make_room_for_engines,
)
from edgecv_runtime.engines.nvidia.cuda import describe_gpu
from edgecv_runtime.engines.nvidia.gpu import Gpu
from edgecv_runtime.engines.tensorrt_modules import (
    KINDS,
    import_tensorrt,
    known_capabilities,
    why_unsupported,
)
from edgecv_runtime.files.whole import write_file


@dataclass(frozen=True)
class Built:
    """An engine that was built, for the report."""

    engine: BuiltEngine
    folder: Path
    size: int  # bytes
    seconds: float


def build_engines(
    bundle: Bundle,
    kind: str,
    precision: str = "fp32",
    *,
    wishes: ShapeWishes | None = None,
    options: BuildOptions | None = None,
    read_only: bool = False,
    progress: MakeBar | None = None,
    report: Callable[[Built], None] | None = None,
) -> list[Built]:
    """Builds an engine for each graph of a bundle and lists it in engines.json.

    Args:
        bundle: opened.
        kind: ``tensorrt`` (on the GPU that it is for) or ``tensorrt_rtx`` (on any machine).
        precision: one that the bundle has graphs of.
        wishes: shapes; what is left out comes from the manifest.
        options: how; without compute capabilities TensorRT for RTX builds for this machine's GPU.
        read_only: leave the bundle as it is and write to the user's cache.
        progress: makes a bar for each phase of a build; None: nothing is shown.
        report: called with each engine once it is on disk.

    Raises:
        InputError: an option that does not fit the bundle or the installed TensorRT.
        EngineError: TensorRT is missing, cannot start, refuses a graph; no space is left.
        BundleError: the bundle lacks a graph, or a file is damaged.
    """
    wishes, options = wishes or ShapeWishes(), options or BuildOptions()
    check_wishes(bundle.manifest, wishes)
    trt, gpu, options = check_build(kind, options)
    graphs = {role: graph_to_build(bundle, role, precision) for role in bundle.manifest.graphs}
    ranges = {
        role: shape_ranges(bundle.manifest, role, graph, wishes) for role, graph in graphs.items()
    }
    folder = store_for(bundle.folder, read_only=read_only)
    built = []
    for role, graph in graphs.items():
        started = time.perf_counter()
        plan = _build(bundle, graph, ranges[role], kind, options, str(trt.__version__), progress)
        check_ports(graph, plan)
        engine = BuiltEngine(
            role=role,
            kind=kind,
            version=str(trt.__version__),
            gpu=gpu.name if gpu and kind == "tensorrt" else None,
            compute_capabilities=tuple(options.compute_capabilities),
            compatibility=options.compatibility,
            version_compatible=options.version_compatible,
            precision=precision,
            tf32=options.tf32,
            graph_sha256=graph.sha256,
            profile=ranges[role],
            built=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            file="",
            sha256="",
        )
        engine = add_engine(folder, engine, plan.content)
        make_room_for_engines(folder)
        built.append(Built(engine, folder, len(plan.content), time.perf_counter() - started))
        if report is not None:
            report(built[-1])
    return built


def graph_to_build(bundle: Bundle, role: str, precision: str) -> GraphFile:
    """The graph that TensorRT compiles. Raises BundleError where the bundle has none."""
    there = bundle.manifest.graphs[role]
    graphs = [graph for graph in there if graph.precision == precision]
    dialects = {graph.dialect for graph in graphs}
    if role in ("roi", "mask") and graphs and "tensorrt" not in dialects:
        raise EngineError(
            f'the graph "{role}" in {precision} is written for ONNX Runtime only (it pools boxes '
            "with an operator that TensorRT lacks): export the model with "
            "`dialects=onnx,tensorrt`"
        )
    # Where there is no such graph, the error of the bundle says what there is.
    return bundle.graph(role, precision, "tensorrt" if "tensorrt" in dialects else "onnx")


def check_build(kind: str, options: BuildOptions) -> tuple[Any, Gpu | None, BuildOptions]:
    """The TensorRT module, this machine's GPU where the engine is for it, and the options with the
    compute capabilities filled in. Raises as build_engines, before any work is done."""
    if kind not in KINDS:
        raise InputError(f'engine "{kind}": expected one of {", ".join(KINDS)}')
    trt = import_tensorrt(kind)
    if kind == "tensorrt":
        if options.compute_capabilities:
            raise InputError(
                "`compute_capabilities`: TensorRT builds for the GPU of this machine: leave it "
                "out, or build with `engine=tensorrt_rtx`"
            )
        gpu = describe_gpu(0)
        return trt, gpu, replace(options, compute_capabilities=(gpu.compute_capability,))
    if options.compute_capabilities:
        check_capabilities(trt, options.compute_capabilities)
        return trt, None, options
    try:
        gpu = describe_gpu(0)
    except EngineError as error:
        known = ",".join(map(str, known_capabilities(trt)))
        raise InputError(
            f"`compute_capabilities`: no GPU here to take it from ({error}): "
            f"name the GPUs that the engine is for, some of {known}"
        ) from error
    unsupported = why_unsupported(trt, kind, gpu)
    if unsupported is not None:
        raise EngineError(f"{unsupported}; for other GPUs name them with `compute_capabilities`")
    return trt, gpu, replace(options, compute_capabilities=(gpu.compute_capability,))


def _build(
    bundle: Bundle,
    graph: GraphFile,
    ranges: dict[str, ShapeRange],
    kind: str,
    options: BuildOptions,
    version: str,
    progress: MakeBar | None,
) -> Plan:
    file = bundle.verified_file(graph.file, graph.sha256)  # open as long as the name is
    content = Path(file).read_bytes()
    cache = _timing_cache(kind, version, options)
    try:
        timings = cache.read_bytes()
    except OSError:
        timings = b""
    plan = build_plan(
        content,
        ranges,
        kind=kind,
        options=options,
        timing_cache=timings,
        title=f"{graph.file}, {graph.precision}",
        progress=progress,
    )
    if plan.timing_cache is not None and plan.timing_cache != timings:
        with contextlib.suppress(OSError):  # the next build measures again; that is all
            write_file(cache, plan.timing_cache)
            make_room(cache, cache.parent.iterdir(), KERNELS_LIMIT)
    return plan


def _timing_cache(kind: str, version: str, options: BuildOptions) -> Path:
    capability = "_".join(map(str, options.compute_capabilities))
    return cache_root() / "timing" / f"{kind}-{version}-sm{capability}.cache"


def check_ports(graph: GraphFile, plan: Plan) -> None:
    """Raises EngineError if the engine's inputs and outputs are not those of the manifest."""
    for what, expected, found in (
        ("input", graph.inputs, plan.inputs),
        ("output", graph.outputs, plan.outputs),
    ):
        by_name = {port.name: port for port in found}
        if sorted(by_name) != sorted(port.name for port in expected):
            raise EngineError(
                f"{graph.file}: the engine's {what}s are {', '.join(sorted(by_name))}, the "
                f"manifest has {', '.join(sorted(port.name for port in expected))}"
            )
        for port in expected:
            if not _same(port, by_name[port.name]):
                raise EngineError(
                    f"{graph.file}: {what} {port.name} of the engine is {by_name[port.name]}, "
                    f"the manifest has {port.dtype} {port.shape}"
                )


def _same(port: TensorSpec, found: Port) -> bool:
    """Lengths that the manifest leaves open may be fixed in the engine."""
    return (
        port.dtype == found.dtype
        and len(port.shape) == len(found.shape)
        and all(a in (-1, b) for a, b in zip(port.shape, found.shape, strict=True))
    )
