"""A bundle's graph alone, in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import edgecv_runtime


class GraphSession:
    """The first graph of the role `main`, in fp32, on the CPU."""

    def __init__(self, bundle: Path, manifest: edgecv_runtime.Manifest) -> None:
        import onnxruntime

        graph = manifest.graphs["main"][0]
        self._session = onnxruntime.InferenceSession(
            str(bundle / graph.file), providers=["CPUExecutionProvider"]
        )
        self._input = graph.inputs[0].name
        self._outputs = [output.name for output in graph.outputs]
        self._batch = graph.inputs[0].shape[0]

    def __call__(self, tensor: np.ndarray) -> list[np.ndarray]:
        """The outputs, without the batch, for one tensor [3, h, w]."""
        batch = np.repeat(tensor[None], max(self._batch, 1), axis=0)
        outputs = self._session.run(self._outputs, {self._input: batch})
        return [np.asarray(output[0]) for output in outputs]
