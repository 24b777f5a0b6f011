"""TensorRT and TensorRT for RTX: engines built with ``edgecv build``, on NVIDIA GPUs."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import DeviceTensor, Engine, EngineError, TensorSpec
from edgecv_runtime.engines.cache import KERNELS_LIMIT, cache_root, make_room, mark_used
from edgecv_runtime.engines.nvidia.cuda import (
    DeviceMemory,
    PinnedMemory,
    Recording,
    Stream,
    device_index,
)
from edgecv_runtime.engines.tensorrt_modules import (
    KINDS,
    dtype_name,
    first_error,
    import_tensorrt,
    make_context,
    make_logger,
)
from edgecv_runtime.files.whole import write_file

Shape = tuple[int, ...]


class TensorRtEngine(Engine):
    """Runs a plan of TensorRT or TensorRT for RTX.

    Inputs are filled in pinned host memory, or are bound where they lie, on the host or the device.
    Outputs stay on the device until somebody asks for them; those that were asked for after one run
    are copied to the host with the next. Where no length of an input is open, copies and network
    are one CUDA graph from the second run on (TensorRT for RTX records the network by itself).

    Args:
        path: the plan.
        device: ``"cuda"`` (the default) or ``"cuda:1"``.
        kind: ``"tensorrt"`` or ``"tensorrt_rtx"``.
        stream: shared by the engines of a bundle, so that they hand on tensors without waiting;
            None makes one.

    Raises:
        EngineError: a package, the driver or the GPU is missing, or the plan cannot be loaded.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: str | None = None,
        *,
        kind: str = "tensorrt",
        stream: Stream | None = None,
    ) -> None:
        trt = import_tensorrt(kind)
        self._title = KINDS[kind].title
        self._stream = stream or Stream(device_index(device))
        self._stream.use()
        self._logger = make_logger(trt)
        content = Path(path).read_bytes()
        self._runtime = _runtime(trt, self._logger, self._title)
        engine = self._runtime.deserialize_cuda_engine(content)
        if engine is None:
            raise EngineError(
                f"{self._title} cannot load {path}: {first_error(self._logger)}: "
                "build it again with edgecv build"
            )
        self._engine = engine
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        inputs = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        outputs = [n for n in names if n not in inputs]
        super().__init__(
            [_spec(trt, engine, name) for name in inputs],
            [_spec(trt, engine, name) for name in outputs],
        )
        self._fixed = all(-1 not in spec.shape for spec in self.inputs)
        self._records = self._fixed and kind == "tensorrt"
        self._kernels_file = _kernels_file(kind, content, self._stream)
        self._context, self._kernels = make_context(
            trt, kind, engine, self._fixed, _read(self._kernels_file)
        )
        if self._context is None:
            raise EngineError(
                f"{self._title} cannot make room to run {path}: {first_error(self._logger)}"
            )
        self._in = [_Input(self._stream, spec) for spec in self.inputs]
        self._out = [_Output(self._stream, spec) for spec in self.outputs]
        self._shapes: tuple[Shape, ...] | None = None  # that the context has
        self._addresses: dict[str, int] = {}  # that the context has
        self._recording: Recording | None = None
        self._recorded: Any = None  # what the recording depends on

    def batch_range(self) -> tuple[int, int]:
        """Fewest and most images in one run: those that the plan was built for."""
        spec = self.inputs[0]
        if spec.shape[0] != -1:
            return spec.shape[0], spec.shape[0]
        low, _, high = self._engine.get_tensor_profile_shape(spec.name, 0)
        return max(low[0], 1), high[0]

    def input(self, index: int, shape: Shape) -> npt.NDArray[Any]:
        """Pinned host memory for an input, with the dtype of ``inputs[index]``; kept while the
        shape stays."""
        return self._in[index].own(tuple(shape))

    def bind(self, index: int, array: npt.NDArray[Any] | DeviceTensor) -> None:
        """Uses the caller's C-contiguous array or device tensor as an input.

        Raises:
            EngineError: another dtype than ``inputs[index]`` has, or memory of another GPU.
        """
        self._in[index].bind(array)

    def run(self) -> None:
        """One pass of the network.

        Raises:
            EngineError: a shape that the engine was not built for: the message gives the range; or
                CUDA failed.
        """
        self._stream.use()
        shapes = tuple(port.shape for port in self._in)
        new = shapes != self._shapes
        if new:
            self._set_shapes(shapes)
        if self._records and not new and all(port.is_own for port in self._in):
            self._replay()
        else:
            self._queue()
        self._stream.wait()
        if new:
            self._keep_kernels()

    def output(self, index: int) -> npt.NDArray[Any]:
        """An output of the last run in pinned host memory, valid until the next."""
        port = self._out[index]
        if not port.on_host:
            port.wanted = True
            port.queue_copy()
            self._stream.wait()
        return port.array

    def output_in_place(self, index: int) -> DeviceTensor:
        """An output of the last run on the device, valid until the next."""
        port = self._out[index]
        return DeviceTensor(
            port.memory.address,
            port.shape,
            port.spec.dtype,
            self._stream.index,
            self._stream.handle,
            port.memory,
        )

    def _set_shapes(self, shapes: Sequence[Shape]) -> None:
        self._recording = None
        self._shapes = None
        for port, shape in zip(self._in, shapes, strict=True):
            # Outside its range TensorRT answers False, or raises.
            with contextlib.suppress(RuntimeError, ValueError):
                if self._context.set_input_shape(port.spec.name, shape):
                    continue
            raise EngineError(self._misfit(port.spec, shape))
        for out in self._out:
            shape = tuple(self._context.get_tensor_shape(out.spec.name))
            if any(length < 0 for length in shape):
                raise EngineError(
                    f'{self._title} failed: it gives no shape for output "{out.spec.name}"'
                )
            out.reshape(shape)
        self._shapes = tuple(shapes)

    def _misfit(self, spec: TensorSpec, shape: Shape) -> str:
        found = list(shape)
        if -1 not in spec.shape:
            return (
                f'{self._title} failed: input "{spec.name}" is {found}, the engine was built for '
                f"{list(spec.shape)} alone: build it again for other shapes (edgecv build)"
            )
        low, _, high = (list(d) for d in self._engine.get_tensor_profile_shape(spec.name, 0))
        return (
            f'{self._title} failed: input "{spec.name}" is {found}, the engine was built for '
            f"{low} to {high}: build it again for other shapes (edgecv build)"
        )

    def _queue(self) -> None:
        """Queues copies to the device, the network, and the copies of outputs that are wanted."""
        for port in self._in:
            self._set_address(port.spec.name, port.queue_copy())
        for out in self._out:
            self._set_address(out.spec.name, out.memory.address)
        if not self._context.execute_async_v3(self._stream.handle):
            raise EngineError(f"{self._title} failed: {first_error(self._logger)}")
        for out in self._out:
            out.on_host = False
            if out.wanted:
                out.queue_copy()

    def _set_address(self, name: str, address: int) -> None:
        if self._addresses.get(name) != address:
            self._addresses.pop(name, None)  # an interrupt may come in between
            if not self._context.set_tensor_address(name, address):
                raise EngineError(f"{self._title} failed: {first_error(self._logger)}")
            self._addresses[name] = address

    def _replay(self) -> None:
        depends_on = (
            [port.source for port in self._in],
            [(out.memory.address, out.wanted) for out in self._out],
        )
        if self._recording is None or self._recorded != depends_on:
            self._recording = None
            recording = self._stream.record(self._queue)
            self._recorded = depends_on
            self._recording = recording
        self._recording.replay()
        for out in self._out:
            out.on_host = out.wanted

    def _keep_kernels(self) -> None:
        """Kernels that TensorRT for RTX compiled are read by the next process."""
        if self._kernels is None or self._kernels_file is None:
            return
        content = bytes(self._kernels.serialize())
        if content != _read(self._kernels_file):
            with contextlib.suppress(OSError):  # the next process compiles again; that is all
                write_file(self._kernels_file, content)
                make_room(self._kernels_file, self._kernels_file.parent.iterdir(), KERNELS_LIMIT)


class _Input:
    """Where an input comes from, and its place on the device."""

    def __init__(self, stream: Stream, spec: TensorSpec) -> None:
        self.spec = spec
        self.shape: Shape = ()
        self.source = 0  # address on the host; 0 where the input is on the device already
        self._stream = stream
        self._pinned: PinnedMemory | None = None
        self._memory = DeviceMemory(stream)
        self._array: npt.NDArray[Any] | None = None
        self._bound: npt.NDArray[Any] | DeviceTensor | None = None

    @property
    def is_own(self) -> bool:
        return self._bound is None and self._array is not None

    def own(self, shape: Shape) -> npt.NDArray[Any]:
        if self._array is None or self._array.shape != shape:
            self._array = None  # an interrupt may come in between
            size = _bytes(shape, self.spec.dtype)
            if self._pinned is None or self._pinned.size < size:
                self._pinned = PinnedMemory(self._stream, size)
            self._array = self._pinned.array(shape, self.spec.dtype)
        assert self._pinned is not None
        self._bound, self.shape, self.source = None, shape, self._pinned.address
        return self._array

    def bind(self, value: npt.NDArray[Any] | DeviceTensor) -> None:
        if str(value.dtype) != self.spec.dtype:
            raise EngineError(
                f'input "{self.spec.name}": expected {self.spec.dtype}, got {value.dtype}'
            )
        if isinstance(value, DeviceTensor):
            if value.device_index != self._stream.index:
                raise EngineError(
                    f'input "{self.spec.name}" lies on cuda:{value.device_index}, this engine runs '
                    f"on cuda:{self._stream.index}"
                )
            self.source = 0
        else:
            value = np.ascontiguousarray(value)
            self.source = value.ctypes.data
        self._bound, self.shape = value, tuple(value.shape)

    def queue_copy(self) -> int:
        """The address on the device, where the copy to it is queued."""
        if isinstance(self._bound, DeviceTensor):
            if self._bound.stream != self._stream.handle:
                self._stream.wait_for(self._bound.stream)
            return self._bound.address
        size = _bytes(self.shape, self.spec.dtype)
        address = self._memory.reserve(size)
        self._stream.to_device(address, self.source, size)
        return address


class _Output:
    """An output on the device, and its copy on the host."""

    def __init__(self, stream: Stream, spec: TensorSpec) -> None:
        self.spec = spec
        self.shape: Shape = ()
        self.memory = DeviceMemory(stream)
        self.wanted = False  # somebody asks for the copy after each run
        self.on_host = False
        self._array: npt.NDArray[Any] | None = None
        self._stream = stream
        self._pinned: PinnedMemory | None = None

    def reshape(self, shape: Shape) -> None:
        self.memory.reserve(_bytes(shape, self.spec.dtype))
        self.shape, self.on_host, self._array = shape, False, None

    @property
    def array(self) -> npt.NDArray[Any]:
        assert self._array is not None
        return self._array

    def queue_copy(self) -> None:
        size = _bytes(self.shape, self.spec.dtype)
        if self._pinned is None or self._pinned.size < size:
            self._pinned = PinnedMemory(self._stream, size)
        if self._array is None:
            self._array = self._pinned.array(self.shape, self.spec.dtype)
        if size:
            self._stream.to_host(self._pinned.address, self.memory.address, size)
        self.on_host = True


def _runtime(trt: Any, logger: Any, title: str) -> Any:
    try:
        return trt.Runtime(logger)
    except TypeError as error:  # how pybind11 says that TensorRT gave none
        raise EngineError(
            f"{title} cannot start: {first_error(logger)}: check the NVIDIA driver"
        ) from error


def _spec(trt: Any, engine: Any, name: str) -> TensorSpec:
    dtype = dtype_name(trt, name, engine.get_tensor_dtype(name))
    return TensorSpec(name, dtype, tuple(engine.get_tensor_shape(name)))


def _bytes(shape: Shape, dtype: str) -> int:
    return math.prod(shape) * np.dtype(dtype).itemsize


def _kernels_file(kind: str, content: bytes, stream: Stream) -> Path | None:
    if kind != "tensorrt_rtx":
        return None
    name = f"{sha256(content).hexdigest()[:32]}-sm{stream.gpu.compute_capability}.cache"
    return cache_root() / "tensorrt_rtx" / name


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    mark_used(path)
    try:
        return path.read_bytes()
    except OSError:
        return None
