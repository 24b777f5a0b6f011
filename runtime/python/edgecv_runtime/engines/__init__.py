"""Inference engines, one file each, behind :class:`edgecv_runtime.Engine`."""

from __future__ import annotations

from edgecv_runtime._core import Engine, EngineError

NAMES = ("onnxruntime",)


def open_engine(
    name: str, model_path: str, device: str | None = None, threads: int | None = None
) -> Engine:
    """Opens a graph with the engine of that name.

    Raises:
        EngineError: no such engine, its package is not installed, or it cannot load the graph.
    """
    if name == "onnxruntime":
        from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(model_path, device=device, threads=threads)
    raise EngineError(f'engine "{name}" is not known: expected one of {", ".join(NAMES)}')
