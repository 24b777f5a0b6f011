"""Which engine runs a bundle."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec

from edgecv_runtime._core import Bundle, BundleError, EngineError, HashedFile
from edgecv_runtime.engines.built.search import engines_of, fitting_engine
from edgecv_runtime.engines.nvidia.driver import gpu_count
from edgecv_runtime.engines.tensorrt_modules import KINDS, import_tensorrt, why_unsupported

_PRECISIONS = ("fp32", "fp16", "bf16", "int8")


@dataclass(frozen=True)
class Choice:
    engine: str
    device: str | None  # None: the engine's own default
    precision: str
    files: dict[str, HashedFile]  # role -> the graph or plan, held open
    passed_over: tuple[tuple[str, str], ...] = ()  # better engines, and why they were not taken


def choose(
    bundle: Bundle,
    engine: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    path: str | None = None,
) -> Choice:
    """Chooses what runs the bundle. Arguments that are given are kept.

    Without an engine's name, the first of these that can run it: TensorRT, then TensorRT for RTX,
    where an engine was built that fits this machine; ONNX Runtime on a GPU, where it can; ONNX
    Runtime on the CPU; OpenVINO.

    Args:
        path: what the user calls the bundle, for messages.

    Raises:
        EngineError: no engine can run it, or the one that is asked for cannot: the message says
            what to install or build.
        BundleError: the bundle has no such graphs, or a file is damaged.
    """
    if engine is not None:
        if engine in KINDS:
            return _planned(bundle, engine, device, precision, path)
        return _from_graphs(bundle, engine, device, precision)
    passed_over: list[tuple[str, str]] = []
    if device is None or device.partition(":")[0] == "cuda":
        built = {engine.kind for _, engine in engines_of(bundle)}
        for kind in KINDS:
            if kind not in built:
                passed_over.append((kind, "no engine was built for this bundle"))
                continue
            try:
                return _planned(bundle, kind, device, precision, path)
            except (EngineError, BundleError) as error:
                passed_over.append((kind, str(error)))
                # Elsewhere nobody expects the engine to run.
                if gpu_count() and not isinstance(error, _Unsupported):
                    warnings.warn(f"{kind} is passed over: {error}", stacklevel=3)
    if precision == "bf16" and not _has(bundle, "bf16"):
        return _from_graphs(bundle, "openvino", device, precision, passed_over)
    if device is None:
        why = _why_not_cuda()
        if why is None:
            device = "cuda"
        else:
            passed_over.append(("onnxruntime on cuda", why))
    for name in ("onnxruntime", "openvino"):
        if find_spec(name) is not None:
            return _from_graphs(bundle, name, device, precision, passed_over)
    raise EngineError(
        "no engine is installed: pip install 'edgecv[cpu]', with an NVIDIA GPU 'edgecv[gpu]'; "
        "edgecv doctor says more"
    )


class _Unsupported(EngineError):
    """The engine does not support this GPU."""


def _planned(
    bundle: Bundle, kind: str, device: str | None, precision: str | None, path: str | None
) -> Choice:
    from edgecv_runtime.engines.nvidia.cuda import describe_gpu, device_index

    trt = import_tensorrt(kind)
    version = str(trt.__version__)
    gpu = describe_gpu(device_index(device))
    unsupported = why_unsupported(trt, kind, gpu)
    if unsupported is not None:
        raise _Unsupported(unsupported)
    precision = precision or _built_precision(bundle, kind)
    roles = bundle.manifest.graphs
    files = {
        role: fitting_engine(bundle, role, kind, precision, version, gpu, path)[0] for role in roles
    }
    return Choice(kind, device, precision, files)


def _built_precision(bundle: Bundle, kind: str) -> str:
    """The most exact one that was built; fp32 where none was, for the error that follows."""
    built = {engine.precision for _, engine in engines_of(bundle) if engine.kind == kind}
    return next((precision for precision in _PRECISIONS if precision in built), "fp32")


def _from_graphs(
    bundle: Bundle,
    engine: str,
    device: str | None,
    precision: str | None,
    passed_over: list[tuple[str, str]] | None = None,
) -> Choice:
    precision = precision or bundle.default_precision()
    # OpenVINO computes fp32 graphs in bf16.
    stored = "fp32" if (engine, precision) == ("openvino", "bf16") else precision
    files = {}
    for role in bundle.manifest.graphs:
        graph = bundle.graph(role, stored, "onnx")
        files[role] = bundle.verified_file(graph.file, graph.sha256)
    return Choice(engine, device, precision, files, tuple(passed_over or ()))


def _has(bundle: Bundle, precision: str) -> bool:
    graphs = bundle.manifest.graphs.values()
    return all(any(graph.precision == precision for graph in files) for files in graphs)


def _why_not_cuda() -> str | None:
    if find_spec("onnxruntime") is None:
        return "onnxruntime is not installed"
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this onnxruntime is built without CUDA"
    return None if gpu_count() else "the NVIDIA driver offers no GPU"
