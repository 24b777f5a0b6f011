"""ONNX Runtime: the embedded default, on any machine."""

from __future__ import annotations

import ctypes
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import DeviceTensor, EngineError, TensorSpec
from edgecv_runtime.engines.graph_source import path_or_content
from edgecv_runtime.engines.host_memory import HostInputs, require_host
from edgecv_runtime.engines.onnx_names import name_nodes
from edgecv_runtime.engines.onnxruntime_providers import PROVIDERS, provider_of, with_options
from edgecv_runtime.engines.packages import import_package
from edgecv_runtime.one_line import first_line
from edgecv_runtime.versions import require

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


class OnnxRuntimeEngine(HostInputs):
    """Runs an ONNX file with ONNX Runtime.

    Args:
        path: the ``.onnx`` file.
        device: ``"cpu"`` (the default), ``"cuda"``, ``"cuda:1"``, another short name
            (``tensorrt``, ``openvino``, ``directml``, ``coreml``, ``rocm``, ``xnnpack``) or the
            full name of an execution provider. The device is used or an error raised; only
            operators that a provider lacks run on the CPU.
        threads: of one run of the network; None lets ONNX Runtime choose.
        precision: of the graph; the TensorRT provider has to be told.

    Raises:
        EngineError: onnxruntime is not installed, lacks the provider, or cannot load the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: str | None = None,
        threads: int | None = None,
        precision: str = "fp32",
    ) -> None:
        ort = import_package("onnxruntime", 'pip install "edgecv[cpu]", or "edgecv[gpu]" for CUDA')
        require("onnxruntime", ort.__version__)
        provider, index = provider_of(device or "cpu", ort.get_available_providers())
        options = ort.SessionOptions()
        # Spinning threads of the session would slow whatever runs right after it.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 4  # what goes wrong is raised
        if threads is not None:
            options.intra_op_num_threads = threads
        providers = with_options(provider, index, precision)
        try:
            session = self._open(ort, path, options, providers)
        except Exception as error:  # onnxruntime's exceptions have no common base
            cause = first_line(error).replace(os.fspath(path), str(path))
            raise EngineError(f"onnxruntime cannot load {path}: {cause}") from error
        if session.get_providers()[0] != provider:
            raise EngineError(
                f"onnxruntime has {provider}, but could not start it on this machine "
                f"(it would run on {session.get_providers()[0]}): {self._why_not_started()}"
            )
        try:
            self._use(session, provider, index or 0)
        except UnicodeDecodeError as error:
            raise EngineError(
                f"onnxruntime cannot load {path}: a name of an input or output is not UTF-8"
            ) from error

    def _open(
        self, ort: Any, path: str | os.PathLike[str], options: Any, providers: list[Any]
    ) -> Any:
        return _open_session(ort, path, options, providers)

    def _why_not_started(self) -> str:
        return "check its driver and libraries"

    def _use(self, session: Any, provider: str, device_index: int) -> None:
        super().__init__(
            [_tensor_spec(node) for node in session.get_inputs()],
            [_tensor_spec(node) for node in session.get_outputs()],
        )
        self.provider = provider
        self.device_index = device_index
        self._session = session
        self._binding = session.io_binding()
        self._buffers: dict[int, npt.NDArray[Any]] = {}
        self._bound: dict[int, Any] = {}
        # What the binding does not have yet. An interrupt may come between any two lines: marks are
        # set before what they are for, and taken away after it.
        self._new: set[int] = set()
        self._outputs_new = True
        self._shapes_vary = False  # outputs have shapes that depend on values
        self._values: list[Any] = []  # the outputs' memory, which the binding uses again and again
        self._results: list[Any] = []  # views of it

    def new_context(self) -> OnnxRuntimeEngine | None:
        """An engine over the same session; None on a GPU, where calls take turns."""
        if type(self) is not OnnxRuntimeEngine or self.provider != PROVIDERS["cpu"]:
            return None
        other = OnnxRuntimeEngine.__new__(OnnxRuntimeEngine)
        other._use(self._session, self.provider, self.device_index)
        return other

    def bind(self, index: int, array: npt.NDArray[Any] | DeviceTensor) -> None:
        """Uses the caller's C-contiguous array as an input, without a copy.

        Raises:
            EngineError: the memory of a GPU, which this provider cannot read.
        """
        array = require_host(array, self.inputs[index].name, f"onnxruntime with {self.provider}")
        if index not in self._buffers or self._buffers[index].shape != array.shape:
            self._outputs_new = True
        self._new.add(index)
        self._buffers[index] = array

    def _bind_outputs(self) -> None:
        """A binding keeps the outputs of its first run, in their shapes, as memory for the next."""
        self._results = []
        self._binding.clear_binding_outputs()
        for output in self.outputs:
            self._binding.bind_output(output.name, *self._output_place())
        self._outputs_new = False

    def _output_place(self) -> tuple[str, int]:
        return "cpu", 0

    def run(self) -> None:
        """One pass of the network.

        Raises:
            EngineError: with ONNX Runtime's own message, for example of a shape that does not fit.
        """
        try:
            for index in sorted(self._new):
                array = self._buffers[index]
                self._binding.bind_input(
                    self.inputs[index].name, "cpu", 0, array.dtype, array.shape, array.ctypes.data
                )
                self._new.discard(index)
            self._run_binding()
        except Exception as error:
            raise EngineError(f"onnxruntime failed: {first_line(error)}") from error
        if not self._results:
            self._values = list(self._binding.get_outputs())
            self._results = [
                _view(value, spec.dtype)
                for value, spec in zip(self._values, self.outputs, strict=True)
            ]

    def _run_binding(self) -> None:
        if not self._outputs_new and not self._shapes_vary:
            try:
                self._session.run_with_iobinding(self._binding)
                return
            except Exception:
                # An output has another shape than in the run before, or the network fails again.
                self._bind_outputs()
                self._session.run_with_iobinding(self._binding)
                self._shapes_vary = True
                return
        self._bind_outputs()
        self._session.run_with_iobinding(self._binding)

    def output(self, index: int) -> npt.NDArray[Any]:
        """An output of the last run, a view of ONNX Runtime's own memory, valid until the next."""
        found: npt.NDArray[Any] = self._results[index]
        return found


def _open_session(
    ort: Any, path: str | os.PathLike[str], options: Any, providers: list[Any]
) -> Any:
    # ONNX Runtime's own fallback prints banners on standard output.
    try:
        return ort.InferenceSession(
            path_or_content(path), options, providers=providers, enable_fallback=0
        )
    except Exception as error:
        if "two nodes with same node name" not in str(error):
            raise
    # ONNX Runtime before 1.22 says so of nodes that it fused itself, if the file names none.
    content = name_nodes(Path(path).read_bytes())
    return ort.InferenceSession(content, options, providers=providers, enable_fallback=0)


def _view(value: Any, dtype_name: str) -> npt.NDArray[Any]:
    """An array over the memory of an OrtValue, which must outlive it."""
    shape, dtype = value.shape(), np.dtype(dtype_name)
    size = math.prod(shape) * dtype.itemsize
    if size == 0:
        return np.empty(shape, dtype)
    memory = memoryview((ctypes.c_uint8 * size).from_address(value.data_ptr()))
    view: npt.NDArray[Any] = np.frombuffer(memory, dtype).reshape(shape)
    return view


def _tensor_spec(node: Any) -> TensorSpec:
    if node.type not in _DTYPES:
        raise EngineError(
            f'"{node.name}" is a {node.type}: expected one of {", ".join(_DTYPES.values())}'
        )
    shape = [axis if isinstance(axis, int) else -1 for axis in node.shape]
    return TensorSpec(node.name, _DTYPES[node.type], shape)
