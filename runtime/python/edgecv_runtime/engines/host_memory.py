"""For engines that read host memory only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import DeviceTensor, Engine, EngineError


def require_host(
    array: npt.NDArray[Any] | DeviceTensor, name: str, engine: str
) -> npt.NDArray[Any]:
    """Returns the array. Raises EngineError for the memory of a GPU."""
    if isinstance(array, DeviceTensor):
        raise EngineError(
            f'input "{name}" lies on cuda:{array.device_index}: {engine} takes host memory; '
            "run all graphs of a bundle on one device"
        )
    return array


class HostInputs(Engine):
    """An engine that reads inputs where they lie in host memory. Its `bind` keeps them."""

    _buffers: dict[int, npt.NDArray[Any]]  # by the indices of inputs

    def input(self, index: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """The buffer of an input, in the dtype of ``inputs[index]``; kept while the shape stays."""
        buffer = self._buffers.get(index)
        if buffer is None or buffer.shape != tuple(shape):
            buffer = np.empty(shape, dtype=self.inputs[index].dtype)
            self.bind(index, buffer)
        return buffer
