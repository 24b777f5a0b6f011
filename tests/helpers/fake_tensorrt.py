"""A ``tensorrt`` whose plans are ONNX files, run by ONNX Runtime on a fake CUDA's memory."""

from __future__ import annotations

import ctypes
import math
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np

from helpers.fake_cuda import FakeCuda

MAGIC = b"fake plan"
DTYPES = {"tensor(float)": "FLOAT", "tensor(int32)": "INT32", "tensor(int64)": "INT64"}
NUMPY = {"FLOAT": np.float32, "INT32": np.int32, "INT64": np.int64}


class TensorIOMode(IntEnum):
    INPUT = 1
    OUTPUT = 2


class CudaGraphStrategy(IntEnum):
    DISABLED = 0
    WHOLE_GRAPH_CAPTURE = 1


class ComputeCapability(IntEnum):
    """TensorRT for RTX's, and the fake GPU's 8.7."""

    NONE = 0
    SM75 = 75
    SM80 = 80
    SM86 = 86
    SM87 = 87
    SM89 = 89
    SM120 = 120
    SM121 = 121


def fake_plan(
    onnx: bytes, largest: int = 8, fixed: dict[str, tuple[int, ...]] | None = None
) -> bytes:
    """A plan for lengths from 0 to `largest` where they are open, or for inputs of fixed shapes."""
    return repr((largest, fixed or {})).encode() + b"\n" + MAGIC + onnx


def fake_tensorrt(cuda: FakeCuda, version: str = "10.3.0", rtx: bool = False) -> Any:
    """Stands for the module ``tensorrt``, or ``tensorrt_rtx``."""

    class ILogger:
        ERROR, INTERNAL_ERROR = 1, 0

        def log(self, severity: int, message: str) -> None:
            raise NotImplementedError

    class Runtime:
        def __init__(self, logger: ILogger) -> None:
            self.logger = logger

        def deserialize_cuda_engine(self, content: bytes) -> Any:
            head, magic, onnx = content.partition(MAGIC)
            if not magic:
                self.logger.log(ILogger.ERROR, "Serialization assertion failed:\n magic")
                self.logger.log(ILogger.ERROR, "what comes from unwinding")
                return None
            return FakeEngine(cuda, onnx, *eval(head), rtx=rtx, logger=self.logger)

    names = ("FLOAT", "HALF", "UINT8", "INT32", "INT64", "BOOL")
    module = SimpleNamespace(
        __version__=version,
        ILogger=ILogger,
        Runtime=Runtime,
        TensorIOMode=TensorIOMode,
        DataType=SimpleNamespace(**{name: name for name in names}),
    )
    if rtx:
        module.CudaGraphStrategy = CudaGraphStrategy
        module.ComputeCapability = ComputeCapability
    return module


class FakeEngine:
    def __init__(
        self,
        cuda: FakeCuda,
        onnx: bytes,
        largest: int,
        fixed: dict[str, Any],
        rtx: bool,
        logger: Any,
    ) -> None:
        import onnxruntime

        self.session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
        self.cuda, self.largest, self.fixed, self.rtx, self.logger = (
            cuda,
            largest,
            fixed,
            rtx,
            logger,
        )
        self.inputs = {port.name: port for port in self.session.get_inputs()}
        self.outputs = {port.name: port for port in self.session.get_outputs()}
        self.ports = self.inputs | self.outputs
        self.num_io_tensors = len(self.ports)
        self.runtime_configs: list[Any] = []

    def get_tensor_name(self, index: int) -> str:
        return list(self.ports)[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name in self.inputs else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> str:
        return DTYPES.get(self.ports[name].type, "BOOL")

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        shape = self.ports[name].shape
        return self.fixed.get(name, tuple(n if isinstance(n, int) else -1 for n in shape))

    def get_tensor_profile_shape(self, name: str, index: int) -> list[tuple[int, ...]]:
        shape = self.get_tensor_shape(name)
        return [tuple(length if n == -1 else n for n in shape) for length in (0, 1, self.largest)]

    def create_runtime_config(self) -> Any:
        assert self.rtx
        config = SimpleNamespace(cuda_graph_strategy=CudaGraphStrategy.DISABLED, cache=None)
        config.create_runtime_cache = lambda: FakeRuntimeCache(self)
        config.set_runtime_cache = lambda cache: setattr(config, "cache", cache)
        self.runtime_configs.append(config)
        return config

    def create_execution_context(self, config: Any = None) -> FakeContext:
        assert (config is not None) == self.rtx
        return FakeContext(self)


class FakeRuntimeCache:
    def __init__(self, engine: FakeEngine) -> None:
        self.kernels = b""

    def deserialize(self, content: bytes) -> bool:
        self.kernels = bytes(content)
        return True

    def serialize(self) -> bytes:
        return self.kernels or b"kernels"


class FakeContext:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        low, _, high = self.engine.get_tensor_profile_shape(name, 0)
        if len(shape) != len(low):
            return False
        if not all(a <= n <= b for a, n, b in zip(low, shape, high, strict=True)):
            return False
        self.shapes[name] = shape
        return True

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """As the network gives it for zeros: no shape of ours depends on values."""
        if name in self.shapes:
            return self.shapes[name]
        zeros = {n: np.zeros(s, self._dtype(n)) for n, s in self.shapes.items()}
        return tuple(self.engine.session.run([name], zeros)[0].shape)

    def set_tensor_address(self, name: str, address: int) -> bool:
        if address not in self.engine.cuda.device_memory:
            self.engine.logger.log(1, f"{name} is no device memory")
            return False
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        addresses, shapes = dict(self.addresses), dict(self.shapes)

        def work() -> None:
            feeds = {name: self._view(addresses[name], name, s) for name, s in shapes.items()}
            names = list(self.engine.outputs)
            for name, value in zip(names, self.engine.session.run(names, feeds), strict=True):
                self._view(addresses[name], name, value.shape)[...] = value

        self.engine.cuda.put(stream, "network", work)
        return True

    def _dtype(self, name: str) -> Any:
        return NUMPY[DTYPES[self.engine.ports[name].type]]

    def _view(self, address: int, name: str, shape: tuple[int, ...]) -> np.ndarray:
        dtype = np.dtype(self._dtype(name))
        size = math.prod(shape) * dtype.itemsize
        assert size <= self.engine.cuda.device_memory[address].size
        return np.frombuffer((ctypes.c_uint8 * size).from_address(address), dtype).reshape(shape)
