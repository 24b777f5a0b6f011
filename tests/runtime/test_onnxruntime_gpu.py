"""ONNX Runtime on a GPU, with a stand-in for the package that copies inputs when they are bound, as
the real one does."""

import ctypes
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from edgecv_runtime import EngineError
from edgecv_runtime._core import DeviceTensor
from edgecv_runtime.engines import open_engine


class FakeValue:
    def __init__(self, array):
        self._array = array

    def shape(self):
        return list(self._array.shape)

    def data_ptr(self):
        return self._array.ctypes.data

    def numpy(self):
        return self._array.copy()


class FakeBinding:
    def __init__(self, calls):
        self.calls, self.inputs, self.outputs = calls, {}, {}

    def clear_binding_outputs(self):
        self.outputs = {}

    def bind_output(self, name, place, index=0):
        self.outputs[name] = (place, index)

    def bind_input(self, name, place, index, dtype, shape, address):
        self.calls.append(f"bind {name} {place}:{index}")
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = (ctypes.c_uint8 * size).from_address(address)
        self.inputs[name] = np.frombuffer(bytes(memory), dtype).reshape(shape)  # copied now

    def get_outputs(self):
        return [FakeValue(self.result)]


class FakeSession:
    """y = 2 x."""

    def __init__(self, path, options, providers):
        self.providers, self.calls = providers, []
        self.binding = FakeBinding(self.calls)

    def get_providers(self):
        return [name for name, _ in self.providers]

    def get_inputs(self):
        return [SimpleNamespace(name="x", type="tensor(float)", shape=["n", 2])]

    def get_outputs(self):
        return [SimpleNamespace(name="y", type="tensor(float)", shape=["n", 2])]

    def io_binding(self):
        return self.binding

    def run_with_iobinding(self, binding):
        self.calls.append("run")
        binding.result = binding.inputs["x"] * 2


@pytest.fixture
def fake(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))
    names = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
    options = SimpleNamespace(add_session_config_entry=lambda *_: None)
    package = SimpleNamespace(
        get_available_providers=lambda: list(names),
        SessionOptions=lambda: options,
        InferenceSession=FakeSession,
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", package)
    return tmp_path / "cache"


def test_inputs_are_bound_for_each_run(fake):
    engine = open_engine("onnxruntime", "x.onnx", device="cuda:1")
    for level in (1.0, 2.0, 3.0):  # filled after they were bound
        engine.input(0, (2, 2))[...] = level
        engine.run()
        np.testing.assert_array_equal(engine.output(0), np.full((2, 2), 2 * level))
    assert engine._session.calls == ["bind x cpu:0", "run"] * 3
    assert engine._session.binding.outputs == {"y": ("cuda", 1)}


def test_device_tensors_go_from_graph_to_graph(fake):
    first, second = (open_engine("onnxruntime", "x.onnx", device="cuda") for _ in range(2))
    first.input(0, (1, 2))[...] = 3
    first.run()
    handed_over = first.output_in_place(0)
    assert isinstance(handed_over, DeviceTensor)
    assert (handed_over.shape, handed_over.dtype) == ((1, 2), "float32")
    second.bind(0, handed_over)
    second.run()
    assert second._session.calls == ["bind x cuda:0", "run"]
    np.testing.assert_array_equal(second.output(0), [[12, 12]])
    second.input(0, (1, 2))[...] = 1  # and back to host memory
    second.run()
    np.testing.assert_array_equal(second.output(0), [[2, 2]])


def test_tensors_that_do_not_fit(fake):
    engine = open_engine("onnxruntime", "x.onnx", device="cuda")
    with pytest.raises(EngineError, match="lies on cuda:1, this engine runs on cuda:0"):
        engine.bind(0, DeviceTensor(1, (1, 2), "float32", 1, 0, "owner"))
    with pytest.raises(EngineError, match="expected float32, got float64"):
        engine.bind(0, np.zeros((1, 2)))


def test_providers_get_their_options(fake):
    engine = open_engine("onnxruntime", "x.onnx", device="cuda:1")
    assert engine._session.providers == [("CUDAExecutionProvider", {"device_id": 1, "use_tf32": 0})]
    engine = open_engine("onnxruntime", "x.onnx", device="tensorrt", precision="fp16")
    (name, options), (rest, _) = engine._session.providers
    assert (name, rest) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert options["trt_fp16_enable"] and not options["trt_int8_enable"]
    assert options["trt_engine_cache_path"] == str(fake / "onnxruntime_tensorrt")
