"""ONNX Runtime on NVIDIA GPUs: inputs and outputs bound where they lie."""

from __future__ import annotations

import contextlib
import io
import math
import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import DeviceTensor, EngineError
from edgecv_runtime.engines.nvidia.cuda import PinnedMemory, Stream
from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine
from edgecv_runtime.one_line import first_line

_WARNING, _FATAL = 2, 4  # of ONNX Runtime's severities; the first is its default
_loading = threading.Lock()


class OnnxRuntimeGpuEngine(OnnxRuntimeEngine):
    """With the CUDA or the TensorRT provider. Outputs stay on the GPU until they are asked for;
    those that were asked for after one run are copied to the host with the next, all at once.

    With cuda-python the host's side is pinned memory, which a GPU reads and writes at full speed;
    without it ONNX Runtime copies, output by output, through memory that may be paged.
    """

    def _open(
        self, ort: Any, path: str | os.PathLike[str], options: Any, providers: list[Any]
    ) -> Any:
        self._trouble = _preload(ort)
        with _quiet_logger(ort):
            session = super()._open(ort, path, options, providers)
        return session

    def _why_not_started(self) -> str:
        return self._trouble or super()._why_not_started()

    def _use(self, session: Any, provider: str, device_index: int) -> None:
        super()._use(session, provider, device_index)
        self._stream: Stream | None = None
        with contextlib.suppress(EngineError):  # cuda-python is not installed
            self._stream = Stream(device_index)
        self._pinned: dict[str, PinnedMemory] = {}  # by the names of inputs and outputs
        self._wanted: set[int] = set()  # outputs that somebody asks for after each run
        self._copying = False  # copies were queued, and nobody has waited for them

    def input(self, index: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """The buffer of an input, in the dtype of ``inputs[index]``; kept while the shape stays."""
        buffer = self._buffers.get(index)
        if buffer is None or buffer.shape != tuple(shape):
            spec = self.inputs[index]
            buffer = self._host_array("input " + spec.name, tuple(shape), spec.dtype)
            self.bind(index, buffer)
        return buffer

    def _host_array(self, name: str, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
        """Pinned where it can be; the memory of an earlier one of that name is used again."""
        if self._stream is None:
            return np.empty(shape, dtype)
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = self._pinned.get(name)
        self._stream.use()  # callers may be threads that have not met this GPU
        if memory is None or memory.size < size:
            memory = self._pinned[name] = PinnedMemory(self._stream, size)
        return memory.array(shape, dtype)

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
        self._wait()  # for copies of memory that this run writes to
        try:
            for index, array in self._bound.items():
                self._bind_input(self.inputs[index].name, array)
            self._run_binding()
        except Exception as error:
            raise EngineError(f"onnxruntime failed: {first_line(error)}") from error
        self._values = list(self._binding.get_outputs())
        self._results = [None] * len(self._values)
        for index in sorted(self._wanted):
            self._queue_copy(index)

    def _queue_copy(self, index: int) -> None:
        """Queues the copy of an output; the network is done when its run returns."""
        value, spec = self._values[index], self.outputs[index]
        if self._stream is None:
            self._results[index] = value.numpy()
            return
        shape = tuple(value.shape())
        array = self._host_array("output " + spec.name, shape, spec.dtype)
        if array.size:
            self._copying = True
            self._stream.to_host(array.ctypes.data, value.data_ptr(), array.nbytes)
        self._results[index] = array

    def _wait(self) -> None:
        if self._copying:
            assert self._stream is not None
            self._stream.wait()
            self._copying = False

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
        """An output of the last run in host memory, valid until the next run."""
        if self._results[index] is None:
            self._wanted.add(index)
            self._queue_copy(index)
        self._wait()
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


def _preload(ort: Any) -> str | None:
    """Loads CUDA's libraries from the packages of pip where they are nowhere else.

    Returns:
        The first thing that went wrong, for the case that the session does not start either.
    """
    preload = getattr(ort, "preload_dlls", None)  # since ONNX Runtime 1.21
    if preload is None:
        return None
    said = io.StringIO()
    with _loading, contextlib.redirect_stdout(said):  # it prints
        try:
            preload(directory="")
        except Exception as error:
            return first_line(error)
    return first_line(said.getvalue()) if said.getvalue().strip() else None


@contextlib.contextmanager
def _quiet_logger(ort: Any) -> Iterator[None]:
    """Without this the CUDA provider prints a line in red for each convolution in FP16 that it
    tries and does not take. ONNX Runtime does not say which severity was set: its default is set
    again."""
    with _loading:
        ort.set_default_logger_severity(_FATAL)
        try:
            yield
        finally:
            ort.set_default_logger_severity(_WARNING)
