"""Which engine runs a bundle: what the engines of Python offer. The rules are the core's
(``runtime/include/edgecv/load/choice.hpp``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from edgecv_runtime import _core
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


@dataclass(frozen=True)
class Offer:
    """What an engine can run here; the core's ``EngineOffer``, which describes the fields."""

    engine: str
    device: str = ""
    devices: tuple[str, ...] = ()
    computes: tuple[tuple[str, str], ...] = ()  # (precision, that of the graphs)
    why_not: Callable[[], str | None] | None = None
    find_files: Callable[[], tuple[str, dict[str, HashedFile]]] | None = None


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
    offers = [
        *(_plans(bundle, kind, engine, device, precision, path) for kind in KINDS),
        Offer("onnxruntime", device="cuda", devices=("cuda",), why_not=_why_not_cuda),
        Offer("onnxruntime", why_not=lambda: _why_not_installed("onnxruntime")),
        Offer(
            "openvino",
            computes=(("bf16", "fp32"),),
            why_not=lambda: _why_not_installed("openvino"),
        ),
    ]
    name, place, chosen, files, passed_over = _core.choose(
        bundle, engine or "", device or "", precision or "", offers
    )
    if not name:
        raise EngineError(
            "no engine is installed: pip install 'edgecv[cpu]', with an NVIDIA GPU 'edgecv[gpu]'; "
            "edgecv doctor says more"
            if precision != "bf16"
            else f"no engine computes this bundle in bf16: {passed_over[-1][1]}: "
            "pip install 'edgecv[openvino]'"
        )
    return Choice(name, place or None, chosen, files, tuple(passed_over))


class _Unsupported(EngineError):
    """The engine does not support this GPU."""


def _plans(
    bundle: Bundle,
    kind: str,
    engine: str | None,
    device: str | None,
    precision: str | None,
    path: str | None,
) -> Offer:
    """The engines of one kind that were built for the bundle."""

    def why_not() -> str | None:
        built = {engine.kind for _, engine in engines_of(bundle)}
        return None if kind in built else "no engine was built for this bundle"

    def find_files() -> tuple[str, dict[str, HashedFile]]:
        try:
            return _fitting_plans(bundle, kind, device, precision, path)
        except (EngineError, BundleError) as error:
            # Elsewhere nobody expects the engine to run.
            if engine is None and gpu_count() and not isinstance(error, _Unsupported):
                warnings.warn(f"{kind} is passed over: {error}", stacklevel=4)
            raise

    return Offer(kind, devices=("cuda",), why_not=why_not, find_files=find_files)


def _fitting_plans(
    bundle: Bundle, kind: str, device: str | None, precision: str | None, path: str | None
) -> tuple[str, dict[str, HashedFile]]:
    from edgecv_runtime.engines.nvidia.cuda import describe_gpu, device_index

    trt = import_tensorrt(kind)
    version = str(trt.__version__)
    gpu = describe_gpu(device_index(device))
    unsupported = why_unsupported(trt, kind, gpu)
    if unsupported is not None:
        raise _Unsupported(unsupported)
    precision = precision or _built_precision(bundle, kind)
    roles = bundle.manifest.graphs
    return precision, {
        role: fitting_engine(bundle, role, kind, precision, version, gpu, path)[0] for role in roles
    }


def _built_precision(bundle: Bundle, kind: str) -> str:
    """The most exact one that was built; fp32 where none was, for the error that follows."""
    built = {engine.precision for _, engine in engines_of(bundle) if engine.kind == kind}
    return next((precision for precision in _PRECISIONS if precision in built), "fp32")


def _why_not_installed(package: str) -> str | None:
    return None if find_spec(package) is not None else f"{package} is not installed"


def _why_not_cuda() -> str | None:
    missing = _why_not_installed("onnxruntime")
    if missing is not None:
        return missing
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this onnxruntime is built without CUDA"
    return None if gpu_count() else "the NVIDIA driver offers no GPU"
