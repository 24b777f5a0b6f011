"""OpenVINO: Intel's engine, on x86 and Arm processors and on Intel's GPUs and NPUs."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy.typing as npt

from edgecv_runtime._core import DeviceTensor, EngineError, TensorSpec
from edgecv_runtime.engines.graph_source import path_or_content
from edgecv_runtime.engines.host_memory import HostInputs, require_host
from edgecv_runtime.engines.packages import import_package
from edgecv_runtime.forks import forks
from edgecv_runtime.one_line import joined
from edgecv_runtime.versions import require

# What layers that are not quantised compute in. Left alone, OpenVINO takes bf16 wherever a
# processor has it, and results drift from what was asked for.
_HINTS = {"fp32": "f32", "fp16": "f16", "bf16": "bf16", "int8": "f32"}
_DTYPES = {"f32": "float32", "f16": "float16", "u8": "uint8", "i32": "int32", "i64": "int64"}


class OpenVinoEngine(HostInputs):
    """Runs an ONNX file with OpenVINO.

    Args:
        path: the ``.onnx`` file.
        device: as OpenVINO names it, in any case: ``"cpu"`` (the default), ``"gpu"``, ``"gpu.1"``,
            ``"npu"``. The device is used or an error raised.
        threads: of one run of the network; None lets OpenVINO choose.
        precision: ``fp32``, ``bf16`` (an fp32 graph computed in bfloat16), ``fp16``, ``int8``;
            what is not quantised is computed in just that precision. A processor that cannot
            compute in fp16 takes fp16 graphs in fp32.

    Raises:
        EngineError: openvino is not installed, lacks the device or the precision, or cannot load
            the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: str | None = None,
        threads: int | None = None,
        precision: str = "fp32",
    ) -> None:
        core = _core()
        name = _device(core, device or "cpu")
        config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _hint(core, name, precision),
        }
        if threads is not None and name == "CPU":
            config["INFERENCE_NUM_THREADS"] = threads
        try:
            model = core.read_model(path_or_content(path))
            compiled = core.compile_model(model, name, config)
            ports = (
                _tensor_specs(compiled.inputs, model.inputs),
                _tensor_specs(compiled.outputs, model.outputs),
            )
        except EngineError:
            raise
        except UnicodeDecodeError as error:
            raise EngineError(
                f"openvino cannot load {path}: a name of an input or output is not UTF-8"
            ) from error
        except Exception as error:  # OpenVINO raises plain RuntimeErrors
            cause = _cause(error).replace(os.fspath(path), str(path))
            raise EngineError(f"openvino cannot load {path}: {cause}") from error
        self._use(compiled, ports, name, config["INFERENCE_PRECISION_HINT"])

    def _use(
        self,
        compiled: Any,
        ports: tuple[list[TensorSpec], list[TensorSpec]],
        device: str,
        precision: str,
    ) -> None:
        super().__init__(*ports)
        self.device = device
        self.inference_precision = precision
        self._compiled = compiled
        self._request = compiled.create_infer_request()
        self._buffers: dict[int, npt.NDArray[Any]] = {}
        self._new: set[int] = set()  # inputs that the request does not have yet
        self._started = False  # whether a run may be going on that nobody waited for

    def new_context(self) -> OpenVinoEngine | None:
        """An infer request of the same compiled network."""
        if type(self) is not OpenVinoEngine:
            return None
        other = OpenVinoEngine.__new__(OpenVinoEngine)
        ports = (list(self.inputs), list(self.outputs))
        other._use(self._compiled, ports, self.device, self.inference_precision)
        return other

    def bind(self, index: int, array: npt.NDArray[Any] | DeviceTensor) -> None:
        """Uses the caller's C-contiguous array as an input, without a copy."""
        array = require_host(array, self.inputs[index].name, "openvino")
        self._new.add(index)  # first: an interrupt may come in between
        self._buffers[index] = array

    def run(self) -> None:
        """One pass of the network.

        Raises:
            EngineError: with OpenVINO's own message, for example of a shape that does not fit.
        """
        import openvino

        self._end_run()
        try:
            for index in sorted(self._new):
                tensor = openvino.Tensor(self._buffers[index], shared_memory=True)
                self._request.set_input_tensor(index, tensor)
                self._new.discard(index)
            # Of one thread, infer() keeps an operator's error to itself (2026.4), and the outputs
            # are those of the run before. wait() raises it; an interrupt does not leave the
            # network running on the caller's arrays.
            try:
                self._started = True
                self._request.start_async()
                self._request.wait()
                self._started = False
            finally:
                self._end_run()
        except Exception as error:
            raise EngineError(f"openvino failed: {_cause(error)}") from error

    def _end_run(self) -> None:
        """Waits for a run that an interrupt left going."""
        if self._started:
            with suppress(Exception):
                self._request.wait()
            self._started = False

    def output(self, index: int) -> npt.NDArray[Any]:
        """An output of the last run, a view of OpenVINO's own memory, valid until the next."""
        view: npt.NDArray[Any] = self._request.get_output_tensor(index).data
        return view


def _core() -> Any:
    core, forks_before = core_and_forks()
    if forks_before != forks.count:
        raise EngineError(
            "openvino was in use before this process forked, and its threads stayed behind: start "
            "processes by spawn, or use it in the child process only"
        )
    return core


@lru_cache(maxsize=1)
def core_and_forks() -> tuple[Any, int]:
    openvino = import_package("openvino", 'pip install "edgecv[openvino]"')
    require("openvino")
    return openvino.Core(), forks.count


def _device(core: Any, device: str) -> str:
    name = device.upper()
    available = list(core.available_devices)
    # A machine with one GPU lists it without a number.
    if name not in available and f"{name}.0" not in available:
        raise EngineError(
            f'openvino has no device "{device}" here, only {", ".join(available).lower()}'
        )
    return name


def _hint(core: Any, device: str, precision: str) -> str:
    if precision not in _HINTS:
        raise EngineError(
            f'openvino has no precision "{precision}": expected one of {", ".join(_HINTS)}'
        )
    able = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    if precision == "fp16" and "FP16" not in able:
        return "f32"
    if precision == "bf16" and "BF16" not in able:
        raise EngineError(f"this {device} cannot compute in bf16: take precision fp32")
    return _HINTS[precision]


def _tensor_specs(ports: Any, declared: Any) -> list[TensorSpec]:
    """Compiled, a port has the names of nodes merged into it, too; as declared, only its own."""
    pairs = zip(ports, declared, strict=True)
    return [_tensor_spec(port, own.get_any_name()) for port, own in pairs]


def _tensor_spec(port: Any, name: str) -> TensorSpec:
    kind = port.get_element_type().get_type_name()
    if kind not in _DTYPES:
        raise EngineError(f'"{name}" is a {kind}: expected one of {", ".join(_DTYPES.values())}')
    shape = [-1 if axis.is_dynamic else axis.get_length() for axis in port.get_partial_shape()]
    return TensorSpec(name, _DTYPES[kind], shape)


def _cause(error: Exception) -> str:
    """The last line of OpenVINO's messages says what is wrong; those before it say where."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return joined(lines[-1]) if lines else type(error).__name__
