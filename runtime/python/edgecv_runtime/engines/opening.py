"""An engine by its name: which class opens a graph or a plan."""

from __future__ import annotations

import os
from collections.abc import Mapping

from edgecv_runtime._core import Engine, EngineError

NAMES = ("tensorrt", "tensorrt_rtx", "onnxruntime", "openvino")


def open_engine(
    name: str,
    model_path: str | os.PathLike[str],
    device: str | None = None,
    threads: int | None = None,
    precision: str = "fp32",
) -> Engine:
    """Opens a graph, or a plan of TensorRT, with the engine of that name.

    Args:
        precision: what the graph is to be computed in. For most engines the graph says it all;
            OpenVINO computes an fp32 graph in bf16 if asked to.

    Raises:
        EngineError: no such engine, its package is not installed, or it cannot load the graph.
    """
    return open_engines(name, {"": model_path}, device, threads, precision)[""]


def open_engines(
    name: str,
    files: Mapping[str, str | os.PathLike[str]],
    device: str | None = None,
    threads: int | None = None,
    precision: str = "fp32",
) -> dict[str, Engine]:
    """As `open_engine`, for the files of all roles of a bundle: they share what they can."""
    if name == "onnxruntime":
        from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine
        from edgecv_runtime.engines.onnxruntime_providers import on_cuda

        kind = OnnxRuntimeEngine
        if on_cuda(device):
            from edgecv_runtime.engines.onnxruntime_gpu import OnnxRuntimeGpuEngine

            kind = OnnxRuntimeGpuEngine
        return {role: kind(path, device, threads, precision) for role, path in files.items()}
    if name == "openvino":
        from edgecv_runtime.engines.openvino import OpenVinoEngine

        return {
            role: OpenVinoEngine(path, device, threads, precision) for role, path in files.items()
        }
    if name in ("tensorrt", "tensorrt_rtx"):
        from edgecv_runtime.engines.nvidia.cuda import Stream, device_index
        from edgecv_runtime.engines.tensorrt import TensorRtEngine

        stream = Stream(device_index(device))
        return {
            role: TensorRtEngine(path, device, kind=name, stream=stream)
            for role, path in files.items()
        }
    raise EngineError(f'engine "{name}" is not known: expected one of {", ".join(NAMES)}')
