"""ONNX Runtime on NVIDIA GPUs: inputs and outputs bound where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import DeviceTensor, EngineError
from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine, first_line


class OnnxRuntimeGpuEngine(OnnxRuntimeEngine):
    """With the CUDA or the TensorRT provider. Outputs stay on the GPU until somebody asks."""

    def bind(self, index: int, array: npt.NDArray[Any] | DeviceTensor) -> None:
        """Uses the caller's C-contiguous array or device tensor as an input.

        Raises:
            EngineError: another dtype than ``inputs[index]`` has, or memory of another GPU.
        """
        spec = self.inputs[index]
        if str(array.dtype) != spec.dtype:
            raise EngineError(f'input "{spec.name}": expected {spec.dtype}, got {array.dtype}')
        if isinstance(array, DeviceTensor) and array.device_index != self.device_index:
            raise EngineError(
                f'input "{spec.name}" lies on cuda:{array.device_index}, this engine runs on '
                f"cuda:{self.device_index}"
            )
        before = self._bound.get(index)
        if before is None or tuple(before.shape) != tuple(array.shape):
            self._outputs_new = True
        self._bound[index] = array
        if isinstance(array, DeviceTensor):
            self._buffers.pop(index, None)
        else:
            self._buffers[index] = array

    def run(self) -> None:
        """One pass of the network.

        Raises:
            EngineError: with ONNX Runtime's own message, for example of a shape that does not fit.
        """
        try:
            for index, array in self._bound.items():
                self._bind_input(self.inputs[index].name, array)
            if self._outputs_new:
                self._bind_outputs()
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            raise EngineError(f"onnxruntime failed: {first_line(error)}") from error
        self._values = list(self._binding.get_outputs())
        self._results = [None] * len(self._values)

    def _bind_input(self, name: str, array: npt.NDArray[Any] | DeviceTensor) -> None:
        # ONNX Runtime copies host memory to the GPU when it is bound, not when it runs: so it is
        # bound for each run.
        if isinstance(array, DeviceTensor):
            place, index, address = "cuda", array.device_index, array.address
        else:
            place, index, address = "cpu", 0, array.ctypes.data
        dtype = np.dtype(array.dtype)
        self._binding.bind_input(name, place, index, dtype, tuple(array.shape), address)

    def output(self, index: int) -> npt.NDArray[Any]:
        """An output of the last run, copied to the host when it is first asked for."""
        if self._results[index] is None:
            self._results[index] = self._values[index].numpy()
        found: npt.NDArray[Any] = self._results[index]
        return found

    def output_in_place(self, index: int) -> DeviceTensor:
        """An output of the last run on the GPU, valid until the next run."""
        value = self._values[index]
        spec = self.outputs[index]
        return DeviceTensor(
            value.data_ptr(), tuple(value.shape()), spec.dtype, self.device_index, 0, value
        )

    def _output_place(self) -> tuple[str, int]:
        return "cuda", self.device_index
