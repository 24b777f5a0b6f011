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
from helpers.fake_cuda import FakeCuda


class FakeValue:
    """An output, in the memory of the GPU."""

    def __init__(self, array, cuda):
        self._array = array
        cuda.device_memory[array.ctypes.data] = array.view(np.uint8).reshape(-1)

    def shape(self):
        return list(self._array.shape)

    def data_ptr(self):
        return self._array.ctypes.data

    def numpy(self):
        return self._array.copy()


class FakeBinding:
    cuda = FakeCuda()

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
        return [FakeValue(self.result, self.cuda)]


class FakeSession:
    """y = 2 x."""

    def __init__(self, path, options, providers, enable_fallback):
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
    severities = []
    FakeBinding.cuda = FakeCuda(devices=2)
    monkeypatch.setattr("edgecv_runtime.engines.nvidia.cuda.import_cuda", lambda: FakeBinding.cuda)
    package = SimpleNamespace(
        __version__="1.20.0",
        severities=severities,
        set_default_logger_severity=severities.append,
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


def test_outputs_are_copied_to_pinned_memory_once_and_with_the_next_run(fake):
    cuda = FakeBinding.cuda
    engine = open_engine("onnxruntime", "x.onnx", device="cuda")
    engine.input(0, (2, 2))[...] = 1
    engine.run()
    assert cuda.calls == []  # nobody has asked yet
    found = engine.output(0)
    assert engine.output(0) is found
    np.testing.assert_array_equal(found, np.full((2, 2), 2.0))
    assert cuda.calls == ["to host", "wait"]
    assert found.ctypes.data in cuda.pinned_memory
    assert engine.input(0, (2, 2)).ctypes.data in cuda.pinned_memory
    engine.input(0, (2, 2))[...] = 5
    engine.run()
    assert cuda.calls == ["to host", "wait", "to host"]  # queued, not waited for
    np.testing.assert_array_equal(engine.output(0), np.full((2, 2), 10.0))
    assert cuda.calls == ["to host", "wait", "to host", "wait"]
    engine.run()
    engine.run()  # nobody asked for the copy, which is done before its memory is written to
    assert cuda.calls[4:] == ["to host", "wait", "to host"]


def test_a_larger_output_gets_larger_memory_and_an_empty_one_none(fake):
    engine = open_engine("onnxruntime", "x.onnx", device="cuda")
    for rows in (1, 300, 2, 0, 5):
        engine.input(0, (rows, 2))[...] = rows
        engine.run()
        np.testing.assert_array_equal(engine.output(0), np.full((rows, 2), 2.0 * rows))
    assert len(FakeBinding.cuda.pinned_memory) == 2


def test_without_cuda_python_onnxruntime_copies(fake, monkeypatch):
    def missing():
        raise EngineError("cuda-python is not installed")

    monkeypatch.setattr("edgecv_runtime.engines.nvidia.cuda.import_cuda", missing)
    engine = open_engine("onnxruntime", "x.onnx", device="cuda")
    for level in (1.0, 2.0):
        engine.input(0, (2, 2))[...] = level
        engine.run()
        np.testing.assert_array_equal(engine.output(0), np.full((2, 2), 2 * level))
    assert FakeBinding.cuda.calls == []


def test_the_default_logger_is_quiet_while_a_session_is_made_and_only_then(fake, monkeypatch):
    package = sys.modules["onnxruntime"]
    seen = []

    class Watching(FakeSession):
        def __init__(self, path, options, providers, enable_fallback):
            seen.append(list(package.severities))
            if path == "broken.onnx":
                raise RuntimeError("no good\nat all")
            super().__init__(path, options, providers, enable_fallback)

    monkeypatch.setattr(package, "InferenceSession", Watching)
    open_engine("onnxruntime", "x.onnx", device="cuda", precision="fp16")
    assert seen == [[4]] and package.severities == [4, 2]
    with pytest.raises(EngineError, match=r"cannot load broken.onnx: no good$"):
        open_engine("onnxruntime", "broken.onnx", device="cuda")
    assert package.severities == [4, 2, 4, 2]


def test_cudas_libraries_are_loaded_from_the_packages_of_pip(fake, monkeypatch, capsys):
    package = sys.modules["onnxruntime"]
    directories = []

    def preload_dlls(directory):
        directories.append(directory)
        print("Failed to load libcudnn.so.9: no such file")
        print("Please follow https://onnxruntime.ai")

    monkeypatch.setattr(package, "preload_dlls", preload_dlls, raising=False)
    open_engine("onnxruntime", "x.onnx", device="cuda")
    assert directories == [""]
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(FakeSession, "get_providers", lambda self: ["CPUExecutionProvider"])
    with pytest.raises(
        EngineError, match=r"could not start it .*: Failed to load libcudnn.so.9: no"
    ):
        open_engine("onnxruntime", "x.onnx", device="cuda")
