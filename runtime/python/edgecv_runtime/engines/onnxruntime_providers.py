"""ONNX Runtime's execution providers: what a device string means, and their options."""

from __future__ import annotations

from typing import Any

from edgecv_runtime._core import EngineError
from edgecv_runtime.engines.cache import ENGINES_LIMIT, cache_root, make_room

# Names as `load(device=...)` takes them, and the providers behind them.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}

_ON_CUDA = ("CUDAExecutionProvider", "TensorrtExecutionProvider")


def provider_of(device: str, available: list[str]) -> tuple[str, int | None]:
    """The execution provider and device index that a device string means."""
    name, _, number = device.partition(":")
    if number and not number.isdecimal():
        raise EngineError(f'device "{device}": expected a number behind the colon, as in "cuda:1"')
    provider = PROVIDERS.get(name.lower(), name)
    if provider not in available:
        known = {full: short for short, full in PROVIDERS.items()}
        here = ", ".join(known.get(entry, entry) for entry in available)
        hint = ': pip install "edgecv[gpu]" in place of edgecv[cpu]' if name == "cuda" else ""
        raise EngineError(f'this onnxruntime has no device "{name}", only {here}{hint}')
    return provider, int(number) if number else None


def on_cuda(device: str | None) -> bool:
    """Whether the provider of a device leaves its outputs in the memory of a GPU."""
    name = (device or "cpu").partition(":")[0]
    return PROVIDERS.get(name.lower(), name) in _ON_CUDA


def with_options(provider: str, index: int | None, precision: str) -> list[Any]:
    """The provider with its options, then those that take what it lacks (the CPU always does)."""
    options: dict[str, Any] = {} if index is None else {"device_id": index}
    # Left alone, CUDA rounds the factors of float32 convolutions to 10 bits.
    cuda = ("CUDAExecutionProvider", {**options, "use_tf32": 0})
    if provider == "CUDAExecutionProvider":
        return [cuda]
    if provider == "TensorrtExecutionProvider":
        folder = cache_root() / "onnxruntime_tensorrt"
        folder.mkdir(parents=True, exist_ok=True)
        make_room(None, folder.iterdir(), ENGINES_LIMIT)  # before ONNX Runtime adds to it
        options |= {
            "trt_engine_cache_enable": True,
            "trt_engine_cache_path": str(folder),
            "trt_fp16_enable": precision == "fp16",
            "trt_int8_enable": precision == "int8",
        }
        return [(provider, options), cuda]
    return [(provider, options)]
