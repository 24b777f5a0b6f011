"""Inference engines, one file each, behind :class:`edgecv_runtime.Engine`."""

from __future__ import annotations

from edgecv_runtime._core import Engine, EngineError

NAMES = ("onnxruntime", "openvino")


def open_engine(
    name: str,
    model_path: str,
    device: str | None = None,
    threads: int | None = None,
    precision: str = "fp32",
) -> Engine:
    """Opens a graph with the engine of that name.

    Args:
        precision: what the graph is to be computed in. For most engines the graph says it all;
            OpenVINO computes an fp32 graph in bf16 if asked to.

    Raises:
        EngineError: no such engine, its package is not installed, or it cannot load the graph.
    """
    if name == "onnxruntime":
        from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(model_path, device=device, threads=threads)
    if name == "openvino":
        from edgecv_runtime.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(model_path, device, threads, precision)
    raise EngineError(f'engine "{name}" is not known: expected one of {", ".join(NAMES)}')
