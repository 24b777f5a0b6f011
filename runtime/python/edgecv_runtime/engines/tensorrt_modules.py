"""TensorRT and TensorRT for RTX: what differs between their modules and versions.

``tensorrt`` 10.3 and later (JetPack 6.1 and later have 10.3) and 11, ``tensorrt_rtx`` 1.x.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgecv_runtime._core import EngineError
from edgecv_runtime.one_line import joined

if TYPE_CHECKING:
    from edgecv_runtime.engines.nvidia.gpu import Gpu


@dataclass(frozen=True)
class TensorRtKind:
    name: str  # of the engine in edgecv, and of the Python module
    title: str
    oldest: tuple[int, int]
    advice: str


KINDS = {
    "tensorrt": TensorRtKind(
        "tensorrt",
        "TensorRT",
        (10, 3),
        "pip install 'edgecv[tensorrt]'; on a Jetson it comes with JetPack: see docs/jetson.md",
    ),
    "tensorrt_rtx": TensorRtKind(
        "tensorrt_rtx", "TensorRT for RTX", (1, 0), "pip install 'edgecv[rtx]'"
    ),
}

# What edgecv has a dtype for, by the members of DataType.
_DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
}


def import_tensorrt(kind: str) -> Any:
    """The module ``tensorrt`` or ``tensorrt_rtx``.

    Raises:
        EngineError: it is not installed, cannot be imported, or is too old.
    """
    described = KINDS[kind]
    try:
        module = importlib.import_module(kind)
    except ModuleNotFoundError as error:
        raise EngineError(f"{described.title} is not installed: {described.advice}") from error
    except (ImportError, OSError) as error:  # its libraries are missing or do not fit
        message = joined(error)
        raise EngineError(
            f"{described.title} cannot be imported: {message}: {described.advice}"
        ) from error
    version = str(module.__version__)
    if _leading_numbers(version) < described.oldest:
        wanted = ".".join(map(str, described.oldest))
        raise EngineError(
            f"{described.title} {version} is too old: expected {wanted} or later: "
            f"{described.advice}"
        )
    return module


def known_capabilities(trt: Any) -> list[int]:
    """Compute capabilities that TensorRT for RTX builds for: 75, 80, 86, ..."""
    names = trt.ComputeCapability.__members__
    return sorted(int(name[2:]) for name in names if name.startswith("SM"))


def why_unsupported(trt: Any, kind: str, gpu: Gpu) -> str | None:
    """Why no engine of that kind can run on the GPU; None where one can. TensorRT says only while
    it builds."""
    if kind != "tensorrt_rtx":
        return None
    known = known_capabilities(trt)
    if gpu.compute_capability in known:
        return None
    return (
        f"not supported on this GPU: {KINDS[kind].title} {trt.__version__} is for compute "
        f"capabilities {', '.join(map(str, known))}, {gpu.name} has {gpu.compute_capability}: "
        "use the engine tensorrt or onnxruntime"
    )


def _leading_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def make_logger(trt: Any) -> Any:
    """An ILogger that keeps errors in ``errors`` and prints nothing."""

    class Messages(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(joined(message))

    return Messages()


def first_error(logger: Any) -> str:
    """The cause; what follows it comes from unwinding."""
    return logger.errors[0] if logger.errors else "it gives no reason"


def dtype_name(trt: Any, name: str, dtype: Any) -> str:
    """A DataType as edgecv names it. Raises EngineError for one that it does not know."""
    for member, known in _DTYPES.items():
        if dtype == getattr(trt.DataType, member):
            return known
    raise EngineError(f'"{name}" is {dtype}: expected one of {", ".join(_DTYPES.values())}')


def make_context(trt: Any, kind: str, engine: Any, fixed: bool, cache: bytes | None) -> Any:
    """An execution context and, with TensorRT for RTX, the cache of the kernels that it compiles.

    Args:
        fixed: no length of an input is open. TensorRT for RTX then replays a CUDA graph by itself.
        cache: a cache kept from an earlier run. One that does not fit this machine is rejected by
            TensorRT for RTX, which compiles again.

    Returns:
        (context or None, cache or None).
    """
    if kind == "tensorrt":
        return engine.create_execution_context(), None
    config = engine.create_runtime_config()
    kernels = config.create_runtime_cache()
    if cache is not None:
        kernels.deserialize(cache)
    config.set_runtime_cache(kernels)
    if fixed and hasattr(trt, "CudaGraphStrategy"):  # not in the first releases
        config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
    return engine.create_execution_context(config), kernels
