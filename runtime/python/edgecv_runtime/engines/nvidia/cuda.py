"""CUDA as the engines use it, through the official cuda-python: devices, streams, memory, graphs.

All calls of ``cuda.bindings.runtime`` are in this file.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv_runtime._core import EngineError
from edgecv_runtime.engines.nvidia.gpu import Gpu


def import_cuda() -> Any:
    """The module ``cuda.bindings.runtime``. Raises EngineError if it is not installed."""
    try:
        from cuda.bindings import runtime
    except ImportError as error:
        raise EngineError(
            "cuda-python is not installed: pip install 'edgecv[tensorrt]' or 'edgecv[rtx]'; on a "
            "Jetson pip install 'edgecv[jetson]'"
        ) from error
    return runtime


def check(result: tuple[Any, ...]) -> Any:
    """The value of a call of cuda-python, which gives (error, *values).

    Raises:
        EngineError: with CUDA's own name and words for what went wrong.
    """
    error, *values = result
    if int(error) == 0:
        return values[0] if len(values) == 1 else tuple(values) or None
    runtime = import_cuda()
    if error in (
        runtime.cudaError_t.cudaErrorInsufficientDriver,
        runtime.cudaError_t.cudaErrorNoDevice,
    ):
        raise EngineError(_no_gpu(runtime))
    _, words = runtime.cudaGetErrorString(error)
    text = words.decode() if isinstance(words, bytes) else str(words)
    raise EngineError(f"CUDA failed: {getattr(error, 'name', error)}: {text}")


def _no_gpu(runtime: Any) -> str:
    """Why no device can be used: no driver, one that is too old, or no GPU."""
    _, driver = runtime.cudaDriverGetVersion()
    _, needed = runtime.cudaRuntimeGetVersion()
    if not driver:
        return "there is no NVIDIA driver on this machine: install it, or use another engine"
    if driver // 1000 < needed // 1000:
        have, want = (f"{v // 1000}.{v % 1000 // 10}" for v in (driver, needed))
        return (
            f"the NVIDIA driver is too old: it is for CUDA {have}, cuda-python for CUDA {want}: "
            f"update the driver, or pip install 'cuda-python<{driver // 1000 + 1}'"
        )
    return "the NVIDIA driver finds no GPU on this machine: use another engine"


def device_index(device: str | None) -> int:
    """The number in ``cuda:1``; 0 for None and ``cuda``. Raises EngineError for anything else."""
    name, colon, number = (device or "cuda").partition(":")
    if name != "cuda" or (colon and not number.isdecimal()):
        raise EngineError(f'device "{device}": expected cuda, or cuda:1 for the second GPU')
    return int(number or 0)


def describe_gpu(index: int = 0) -> Gpu:
    """Name and compute capability of a GPU. Raises EngineError if there is none of that number."""
    runtime = import_cuda()
    count = check(runtime.cudaGetDeviceCount())
    if index >= count:
        raise EngineError(f"there is no GPU {index}: this machine has {count}")
    properties = check(runtime.cudaGetDeviceProperties(index))
    name = properties.name
    text = name.decode() if isinstance(name, bytes) else str(name)
    return Gpu(text.strip("\0"), properties.major * 10 + properties.minor)


class Stream:
    """A CUDA stream on one device; everything of a bundle runs on one."""

    def __init__(self, index: int = 0) -> None:
        self.runtime = import_cuda()
        self.index = index
        self.gpu = describe_gpu(index)
        check(self.runtime.cudaSetDevice(index))
        self._stream = check(self.runtime.cudaStreamCreate())
        self.handle = int(self._stream)

    def use(self) -> None:
        """Makes the stream's device that of this thread."""
        check(self.runtime.cudaSetDevice(self.index))

    def wait(self) -> None:
        """Returns when all that was queued is done. Raises EngineError if any of it failed."""
        check(self.runtime.cudaStreamSynchronize(self._stream))

    def wait_for(self, handle: int) -> None:
        """Returns when all that was queued on another stream is done."""
        check(self.runtime.cudaStreamSynchronize(self.runtime.cudaStream_t(handle)))

    def to_device(self, target: int, source: int, size: int) -> None:
        """Queues a copy of `size` bytes from host memory."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        check(self.runtime.cudaMemcpyAsync(target, source, size, kind, self._stream))

    def to_host(self, target: int, source: int, size: int) -> None:
        """Queues a copy of `size` bytes to host memory."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        check(self.runtime.cudaMemcpyAsync(target, source, size, kind, self._stream))

    def record(self, queue: Callable[[], None]) -> Recording:
        """What `queue` puts on the stream, recorded and not done."""
        mode = self.runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        check(self.runtime.cudaStreamBeginCapture(self._stream, mode))
        try:
            queue()
        except BaseException:
            self.runtime.cudaStreamEndCapture(self._stream)
            raise
        return Recording(self, check(self.runtime.cudaStreamEndCapture(self._stream)))

    def __del__(self) -> None:
        if hasattr(self, "_stream"):
            self.runtime.cudaStreamDestroy(self._stream)


class Recording:
    """A CUDA graph: recorded work that one call does again."""

    def __init__(self, stream: Stream, graph: Any) -> None:
        self._stream = stream
        self._graph = graph
        self._work = check(stream.runtime.cudaGraphInstantiate(graph, 0))

    def replay(self) -> None:
        check(self._stream.runtime.cudaGraphLaunch(self._work, self._stream._stream))

    def __del__(self) -> None:
        if hasattr(self, "_work"):
            self._stream.runtime.cudaGraphExecDestroy(self._work)
            self._stream.runtime.cudaGraphDestroy(self._graph)


class DeviceMemory:
    """Memory of a GPU that grows and never shrinks."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._size = 0
        self.address = 0

    def reserve(self, size: int) -> int:
        """The address of at least `size` bytes. What was there is lost if it must grow."""
        if size > self._size or not self.address:
            self._free()
            self.address = int(check(self._stream.runtime.cudaMalloc(max(size, 1))))
            self._size = size
        return self.address

    def _free(self) -> None:
        address, self.address = self.address, 0
        if address:
            self._stream.runtime.cudaFree(address)

    def __del__(self) -> None:
        self._free()


class PinnedMemory:
    """Host memory that a GPU copies from and to at full speed; arrays over it keep it alive."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._runtime = stream.runtime
        self.size = size
        self.address = int(check(self._runtime.cudaMallocHost(max(size, 1))))

    def array(self, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
        """An array at the start of the memory."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size == 0:
            return np.empty(shape, dtype)
        memory: Any = (ctypes.c_uint8 * size).from_address(self.address)
        memory.owner = self
        view: npt.NDArray[Any] = np.frombuffer(memoryview(memory), dtype).reshape(shape)
        return view

    def __del__(self) -> None:
        if hasattr(self, "address"):
            self._runtime.cudaFreeHost(self.address)
