"""Networks for segmentation without a file: engines that give what a test says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgecv_runtime import Bundle, Engine, SemanticSegmenter, TensorSpec
from helpers.input_records import input_record

Logits = Callable[[np.ndarray], np.ndarray]  # float32 [B, 3, h, w] -> float32 [B, C, h', w']


class FakeEngine(Engine):
    """Gives for its input what `network` makes of it, and keeps every input."""

    def __init__(self, network: Logits, pictures: list[int], logits: list[int]) -> None:
        super().__init__(
            [TensorSpec("images", "float32", pictures)], [TensorSpec("logits", "float32", logits)]
        )
        self._network = network
        self.seen: list[np.ndarray] = []

    def input(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        self.buffer = np.full(shape, np.nan, np.float32)
        return self.buffer

    def run(self) -> None:
        self.seen.append(self.buffer.copy())
        self.result = np.array(self._network(self.buffer), np.float32, order="C")

    def output(self, index: int) -> np.ndarray:
        return self.result


def segmenter(
    folder: Path,
    network: Logits,
    classes: int,
    windows: dict[str, Any] | None = None,
    batch: int = -1,
    sides: tuple[int, int] = (-1, -1),
    threads: int | None = None,
    function: str = "softmax",
    engine: type[FakeEngine] = FakeEngine,
    **record: Any,
) -> SemanticSegmenter:
    """A model over `network`, with `record` in its input record."""

    def lengths(shape: list[int]) -> list[int | None]:
        return [None if length < 0 else length for length in shape]

    pictures, logits = [batch, 3, *sides], [batch, classes, -1, -1]
    manifest = {
        "schema": 2,
        "name": "fake",
        "task": "segment",
        "architecture": "fake",
        "labels": [f"class{i}" for i in range(classes)],
        "input": input_record(**record),
        "graphs": {
            "main": [
                {
                    "file": "main.onnx",
                    "sha256": "0" * 64,
                    "precision": "fp32",
                    "dialect": "onnx",
                    "inputs": [{"name": "images", "dtype": "float32", "shape": lengths(pictures)}],
                    "outputs": [{"name": "logits", "dtype": "float32", "shape": lengths(logits)}],
                }
            ]
        },
        "postprocess": {
            "method": "segment",
            "scores": {"output": "logits", "function": function},
            "windows": windows,
        },
        "provenance": {},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").write_text(json.dumps(manifest))
    engines = {"main": engine(network, pictures, logits)}
    return SemanticSegmenter(Bundle.open(str(folder)), engines, "fake", "fp32", threads)
