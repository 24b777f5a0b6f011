"""ONNX Runtime: the embedded default, on any machine."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import Engine, EngineError, TensorSpec

# Names as `load(device=...)` takes them, and the providers behind them.
_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


class OnnxRuntimeEngine(Engine):
    """Runs an ONNX file with ONNX Runtime.

    Args:
        path: the ``.onnx`` file.
        device: ``"cpu"`` (the default), ``"cuda"``, ``"cuda:1"``, another short name
            (``tensorrt``, ``openvino``, ``directml``, ``coreml``, ``rocm``, ``xnnpack``) or the
            full name of an execution provider. The device is used or an error raised; only
            operators that a provider lacks run on the CPU.
        threads: of one run of the network; None lets ONNX Runtime choose.

    Raises:
        EngineError: onnxruntime is not installed, lacks the provider, or cannot load the file.
    """

    def __init__(
        self, path: str | Path, device: str | None = None, threads: int | None = None
    ) -> None:
        ort = _import_onnxruntime()
        provider, index = _provider(device or "cpu", ort.get_available_providers())
        options = ort.SessionOptions()
        # Spinning threads of the session would slow whatever runs right after it.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 4  # what goes wrong is raised
        if threads is not None:
            options.intra_op_num_threads = threads
        providers: list[Any] = [(provider, {"device_id": index} if index is not None else {})]
        try:
            session = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # onnxruntime's exceptions have no common base
            raise EngineError(f"onnxruntime cannot load {path}: {_first_line(error)}") from error
        if session.get_providers()[0] != provider:
            raise EngineError(
                f"onnxruntime has {provider}, but could not start it on this machine "
                f"(it would run on {session.get_providers()[0]}): check its driver and libraries"
            )
        super().__init__(
            [_tensor_spec(node) for node in session.get_inputs()],
            [_tensor_spec(node) for node in session.get_outputs()],
        )
        self.provider = provider
        self._session = session
        self._binding = session.io_binding()
        self._buffers: dict[int, npt.NDArray[Any]] = {}
        self._values: list[Any] = []  # the outputs' memory, which the binding uses again and again
        self._results: list[npt.NDArray[Any]] = []  # views of it

    def input(self, index: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """The buffer of an input, dtype as ``inputs[index]`` has it; kept while the shape stays."""
        buffer = self._buffers.get(index)
        if buffer is None or buffer.shape != tuple(shape):
            buffer = np.empty(shape, dtype=self.inputs[index].dtype)
            self.bind(index, buffer)
        return buffer

    def bind(self, index: int, array: npt.NDArray[Any]) -> None:
        """Uses the caller's C-contiguous array as an input, without a copy."""
        if index not in self._buffers or self._buffers[index].shape != array.shape:
            # A binding keeps the outputs of its first run, in their shapes, as memory for the next.
            self._results = []
            self._binding.clear_binding_outputs()
            for output in self.outputs:
                self._binding.bind_output(output.name, "cpu")
        self._buffers[index] = array
        self._binding.bind_input(
            self.inputs[index].name, "cpu", 0, array.dtype, array.shape, array.ctypes.data
        )

    def run(self) -> None:
        """One pass of the network.

        Raises:
            EngineError: with ONNX Runtime's own message, for example of a shape that does not fit.
        """
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            raise EngineError(f"onnxruntime failed: {_first_line(error)}") from error
        if not self._results:
            self._values = list(self._binding.get_outputs())
            self._results = [
                _view(value, spec.dtype)
                for value, spec in zip(self._values, self.outputs, strict=True)
            ]

    def output(self, index: int) -> npt.NDArray[Any]:
        """An output of the last run, a view of ONNX Runtime's own memory, valid until the next."""
        return self._results[index]


def _view(value: Any, dtype_name: str) -> npt.NDArray[Any]:
    """An array over the memory of an OrtValue, which must outlive it."""
    shape, dtype = value.shape(), np.dtype(dtype_name)
    size = math.prod(shape) * dtype.itemsize
    if size == 0:
        return np.empty(shape, dtype)
    memory = memoryview((ctypes.c_uint8 * size).from_address(value.data_ptr()))
    view: npt.NDArray[Any] = np.frombuffer(memory, dtype).reshape(shape)
    return view


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(
            'onnxruntime is not installed: pip install "edgecv[cpu]", or "edgecv[gpu]" for CUDA'
        ) from error
    return onnxruntime


def _provider(device: str, available: list[str]) -> tuple[str, int | None]:
    """The execution provider and device index that a device string means."""
    name, _, number = device.partition(":")
    if number and not number.isdecimal():
        raise EngineError(f'device "{device}": expected a number behind the colon, as in "cuda:1"')
    provider = _PROVIDERS.get(name.lower(), name)
    if provider not in available:
        known = {full: short for short, full in _PROVIDERS.items()}
        here = ", ".join(known.get(entry, entry) for entry in available)
        hint = ': pip install "edgecv[gpu]" in place of edgecv[cpu]' if name == "cuda" else ""
        raise EngineError(f'this onnxruntime has no device "{name}", only {here}{hint}')
    return provider, int(number) if number else None


def _tensor_spec(node: Any) -> TensorSpec:
    if node.type not in _DTYPES:
        raise EngineError(
            f'"{node.name}" is a {node.type}: expected one of {", ".join(_DTYPES.values())}'
        )
    shape = [axis if isinstance(axis, int) else -1 for axis in node.shape]
    return TensorSpec(node.name, _DTYPES[node.type], shape)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
