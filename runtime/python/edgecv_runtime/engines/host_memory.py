"""For engines that read host memory only."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from edgecv_runtime._core import DeviceTensor, EngineError


def require_host(
    array: npt.NDArray[Any] | DeviceTensor, name: str, engine: str
) -> npt.NDArray[Any]:
    """The array. Raises EngineError for the memory of a GPU."""
    if isinstance(array, DeviceTensor):
        raise EngineError(
            f'input "{name}" lies on cuda:{array.device_index}: {engine} takes host memory; '
            "run all graphs of a bundle on one device"
        )
    return array
