"""A CUDA runtime of host memory, for tests without a GPU.

Like the real one it only queues: work on a stream is done when somebody waits for it, so what
forgets to wait reads garbage. Device memory is told from host memory, and recorded work is done
when it is replayed, not when it is recorded.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np

GARBAGE = 0xCD


class cudaError_t(IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorInsufficientDriver = 35
    cudaErrorNoDevice = 100


class cudaMemcpyKind(IntEnum):
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class cudaStreamCaptureMode(IntEnum):
    cudaStreamCaptureModeThreadLocal = 1


OK = cudaError_t.cudaSuccess


class FakeCuda:
    """Stands for the module ``cuda.bindings.runtime``; `calls` lists what was called, in order."""

    cudaError_t = cudaError_t
    cudaMemcpyKind = cudaMemcpyKind
    cudaStreamCaptureMode = cudaStreamCaptureMode

    def __init__(self, devices: int = 1, driver: int = 13000) -> None:
        self.devices, self.driver = devices, driver
        self.capability = (8, 7)
        self.calls: list[str] = []
        self.device_memory: dict[int, np.ndarray] = {}
        self.pinned_memory: dict[int, np.ndarray] = {}
        self._queues: dict[int, list[Callable[[], None]]] = {}
        self._recordings: dict[int, list[Callable[[], None]]] = {}

    # Device

    def cudaDriverGetVersion(self) -> Any:
        return OK, self.driver

    def cudaRuntimeGetVersion(self) -> Any:
        return OK, 13000

    def cudaGetErrorString(self, error: cudaError_t) -> Any:
        return OK, f"the words for {error.name}".encode()

    def cudaGetDeviceCount(self) -> Any:
        if self.driver < 13000:
            return cudaError_t.cudaErrorInsufficientDriver, None
        return (OK, self.devices) if self.devices else (cudaError_t.cudaErrorNoDevice, None)

    def cudaGetDeviceProperties(self, index: int) -> Any:
        return OK, SimpleNamespace(
            name=b"Fake GPU\0\0", major=self.capability[0], minor=self.capability[1]
        )

    def cudaSetDevice(self, index: int) -> Any:
        return (OK,)

    # Streams

    def cudaStreamCreate(self) -> Any:
        handle = 1000 + len(self._queues)
        self._queues[handle] = []
        return OK, handle

    def cudaStream_t(self, handle: int) -> int:
        return handle

    def cudaStreamDestroy(self, stream: int) -> Any:
        return (OK,)

    def cudaStreamSynchronize(self, stream: int) -> Any:
        assert stream not in self._recordings, "no waiting while recording"
        self.calls.append("wait")
        queue, self._queues[stream] = self._queues[stream], []
        for work in queue:
            work()
        return (OK,)

    def put(self, stream: int, name: str, work: Callable[[], None]) -> None:
        """Queues work, or records it."""
        recording = self._recordings.get(stream)
        self.calls.append(name if recording is None else f"record {name}")
        (self._queues[stream] if recording is None else recording).append(work)

    # Graphs

    def cudaStreamBeginCapture(self, stream: int, mode: cudaStreamCaptureMode) -> Any:
        assert mode is cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._recordings[stream] = []
        return (OK,)

    def cudaStreamEndCapture(self, stream: int) -> Any:
        return OK, self._recordings.pop(stream)

    def cudaGraphInstantiate(self, graph: list[Callable[[], None]], flags: int) -> Any:
        return OK, list(graph)

    def cudaGraphLaunch(self, graph: list[Callable[[], None]], stream: int) -> Any:
        self.calls.append("replay")
        self._queues[stream] += graph
        return (OK,)

    def cudaGraphExecDestroy(self, graph: Any) -> Any:
        return (OK,)

    def cudaGraphDestroy(self, graph: Any) -> Any:
        return (OK,)

    # Memory

    def _allocate(self, size: int, memory: dict[int, np.ndarray]) -> Any:
        assert not self._recordings, "no memory is allocated while recording"
        block = np.full(size, GARBAGE, np.uint8)
        memory[block.ctypes.data] = block
        return OK, block.ctypes.data

    def cudaMalloc(self, size: int) -> Any:
        return self._allocate(size, self.device_memory)

    def cudaMallocHost(self, size: int) -> Any:
        return self._allocate(size, self.pinned_memory)

    def cudaFree(self, address: int) -> Any:
        self.device_memory.pop(address)[:] = GARBAGE
        return (OK,)

    def cudaFreeHost(self, address: int) -> Any:
        self.pinned_memory.pop(address)[:] = GARBAGE
        return (OK,)

    def cudaMemcpyAsync(
        self, target: int, source: int, size: int, kind: cudaMemcpyKind, stream: int
    ) -> Any:
        to_device = kind is cudaMemcpyKind.cudaMemcpyHostToDevice
        on_device, on_host = (target, source) if to_device else (source, target)
        assert on_device in self.device_memory and on_host not in self.device_memory
        name = "to device" if to_device else "to host"
        self.put(stream, name, lambda: ctypes.memmove(target, source, size))
        return (OK,)
