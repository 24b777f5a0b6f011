"""An engine without a file: a function stands in for the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgecv_runtime import Bundle, Engine, SemanticSegmenter, TensorSpec
from helpers.manifests import graph, input_record, write_manifest

Arrays = np.ndarray | Sequence[np.ndarray]


class FakeEngine(Engine):
    """Gives what `network` makes of its inputs, and keeps them.

    Args:
        network: takes an array for each input, gives one for each output (or just the only one);
            they reach the runtime as they are.
        inputs, outputs: names and shapes; -1 is a length left open.
        dtype: of the inputs; outputs are float32.
        batch_range: fewest and most images in a run, where they are not those of the shapes.
        keep: False for measurements: inputs are not kept, and their memory is used again.

    Attributes:
        seen: the first input of each run, copied.
    """

    def __init__(
        self,
        network: Callable[..., Arrays],
        inputs: Mapping[str, Sequence[int]],
        outputs: Mapping[str, Sequence[int]],
        *,
        dtype: str = "float32",
        batch_range: tuple[int, int] | None = None,
        keep: bool = True,
    ) -> None:
        super().__init__(
            [TensorSpec(name, dtype, list(shape)) for name, shape in inputs.items()],
            [TensorSpec(name, "float32", list(shape)) for name, shape in outputs.items()],
        )
        self.network = network
        self.seen: list[np.ndarray] = []
        self._range, self._keep = batch_range, keep
        self._buffers: dict[int, np.ndarray] = {}
        self._results: list[np.ndarray] = []

    def batch_range(self) -> tuple[int, int]:
        return self._range or super().batch_range()

    def input(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        if self._keep or self._buffers.get(index, np.empty(0)).shape != tuple(shape):
            dtype = np.dtype(self.inputs[index].dtype)
            unset = np.nan if dtype.kind == "f" else 0xCD  # what nobody writes is noticed
            self._buffers[index] = np.full(shape, unset, dtype)
        return self._buffers[index]

    def bind(self, index: int, array: np.ndarray) -> None:
        self._buffers[index] = array

    def run(self) -> None:
        arrays = [self._buffers[index] for index in range(len(self.inputs))]
        if self._keep:
            self.seen.append(arrays[0].copy())
        given = self.network(*arrays)
        self._results = [given] if isinstance(given, np.ndarray) else list(given)

    def output(self, index: int) -> np.ndarray:
        return self._results[index]


def segmenter(
    folder: Path,
    network: Callable[..., Arrays],
    classes: int,
    windows: dict[str, Any] | None = None,
    batch: int = -1,
    sides: tuple[int, int] = (-1, -1),
    threads: int | None = None,
    function: str = "softmax",
    keep: bool = True,
    **record: Any,
) -> SemanticSegmenter:
    """A model over `network`, float32 [B, 3, h, w] -> float32 [B, classes, h', w'], with `record`
    in its input record."""
    inputs, outputs = {"images": [batch, 3, *sides]}, {"logits": [batch, classes, -1, -1]}
    write_manifest(
        folder,
        "segment",
        {"main": graph(inputs, outputs)},
        {
            "method": "segment",
            "scores": {"output": "logits", "function": function},
            "windows": windows,
        },
        labels=[f"class{i}" for i in range(classes)],
        input=input_record(**record),
    )

    def whole(images: np.ndarray) -> np.ndarray:
        return np.array(network(images), np.float32, order="C")

    engine = FakeEngine(whole if keep else network, inputs, outputs, keep=keep)
    engines: dict[str, Engine] = {"main": engine}
    return SemanticSegmenter(Bundle.open(str(folder)), engines, "fake", "fp32", threads)
