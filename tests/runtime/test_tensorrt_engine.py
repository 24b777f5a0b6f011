"""What is particular to the TensorRT engines, on a fake GPU that keeps a list of calls."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import edgecv
from edgecv_runtime import EngineError
from edgecv_runtime._core import DeviceTensor
from edgecv_runtime.engines import open_engine, open_engines
from edgecv_runtime.engines.nvidia.cuda import check, describe_gpu
from edgecv_runtime.engines.tensorrt_modules import import_tensorrt
from helpers.fake_cuda import FakeCuda, cudaError_t
from helpers.fake_tensorrt import fake_plan
from helpers.tiny_bundle import SCORES, write_tiny_bundle

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPE = (2, 3, 32, 48)
PICTURE = np.arange(100 * 120 * 3, dtype=np.uint8).reshape(100, 120, 3)


def write(tmp_path, **arguments):
    onnx = (write_tiny_bundle(tmp_path / "tiny") / "main.onnx").read_bytes()
    plan = tmp_path / "main.plan"
    plan.write_bytes(fake_plan(onnx, **arguments))
    return str(plan)


def steps(machine):
    """The calls since the last time they were asked for."""
    calls, machine.cuda.calls[:] = list(machine.cuda.calls), []
    return calls


def run(engine, level, shape=SHAPE):
    engine.input(0, shape)[...] = level
    engine.run()


def test_outputs_are_copied_with_the_run_once_somebody_asked(machine, tmp_path):
    engine = open_engine("tensorrt", write(tmp_path))
    run(engine, 1.0)
    assert steps(machine) == ["to device", "network", "wait"]
    np.testing.assert_allclose(engine.output(0)[1], SCORES)
    assert steps(machine) == ["to host", "wait"]
    run(engine, 0.5)
    assert steps(machine) == ["to device", "network", "to host", "wait"]
    np.testing.assert_allclose(engine.output(0)[1], SCORES * 0.5)
    assert steps(machine) == [], "it is there already"


def test_fixed_shapes_are_one_recording_from_the_second_run_on(machine, tmp_path):
    engine = open_engine("tensorrt", write(tmp_path, fixed={"images": SHAPE}))
    assert tuple(engine.inputs[0].shape) == SHAPE
    run(engine, 1.0)
    engine.output(0)
    steps(machine)
    run(engine, 0.5)
    recorded = ["record to device", "record network", "record to host"]
    assert steps(machine) == [*recorded, "replay", "wait"]
    np.testing.assert_allclose(engine.output(0)[1], SCORES * 0.5)
    run(engine, 0.25)
    assert steps(machine) == ["replay", "wait"]
    np.testing.assert_allclose(engine.output(0)[1], SCORES * 0.25)
    engine.output(1)  # one more is wanted from now on
    steps(machine)
    run(engine, 0.75)
    assert steps(machine) == [*recorded, "record to host", "replay", "wait"]
    np.testing.assert_allclose(engine.output(0)[1], SCORES * 0.75)
    mine = np.full(SHAPE, 0.125, np.float32)
    engine.bind(0, mine)
    engine.run()
    assert "replay" not in steps(machine), "the caller's memory is not what was recorded"
    np.testing.assert_allclose(engine.output(0)[1], SCORES * 0.125)


def test_tensorrt_for_rtx_records_by_itself(machine, tmp_path):
    engine = open_engine("tensorrt_rtx", write(tmp_path, fixed={"images": SHAPE}))
    for level in (1.0, 0.5, 0.25):
        run(engine, level)
        np.testing.assert_allclose(engine.output(0)[1], SCORES * level)
    assert not any("record" in call or call == "replay" for call in steps(machine))
    (config,) = engine._engine.runtime_configs
    assert config.cuda_graph_strategy.name == "WHOLE_GRAPH_CAPTURE"


def test_kernels_of_tensorrt_for_rtx_are_kept_on_disk(machine, tmp_path):
    plan = write(tmp_path)
    run(open_engine("tensorrt_rtx", plan), 1.0)
    (file,) = (tmp_path / "cache" / "tensorrt_rtx").iterdir()
    assert file.read_bytes() == b"kernels" and file.name.endswith("-sm87.cache")
    file.write_bytes(b"kernels of before")
    engine = open_engine("tensorrt_rtx", plan)
    (config,) = engine._engine.runtime_configs
    assert config.cache.kernels == b"kernels of before"
    assert config.cuda_graph_strategy.name == "DISABLED", "lengths are open"


def test_kernels_on_disk_have_a_limit(machine, tmp_path, monkeypatch):
    monkeypatch.setattr("edgecv_runtime.engines.tensorrt.KERNELS_LIMIT", 0)
    folder = tmp_path / "cache" / "tensorrt_rtx"
    folder.mkdir(parents=True)
    for name, used in (("old", 0), ("fresh", None)):
        (folder / f"{name}.cache").write_bytes(b"kernels")
        os.utime(folder / f"{name}.cache", None if used is None else (used, used))
    run(open_engine("tensorrt_rtx", write(tmp_path)), 1.0)
    assert "fresh.cache" in {path.name for path in folder.iterdir()}
    assert len(list(folder.iterdir())) == 2 and not (folder / "old.cache").exists()


def test_a_shape_outside_the_range_says_what_to_build(machine, tmp_path):
    engine = open_engine("tensorrt", write(tmp_path, largest=4))
    with pytest.raises(EngineError, match=r'"images" is \[5, 3, 32, 48\], .* \[0, 3, 32, 48\] to'):
        run(engine, 1.0, (5, 3, 32, 48))
    run(engine, 1.0)  # and it still works
    np.testing.assert_allclose(engine.output(0)[1], SCORES)


def test_more_images_than_the_plan_takes_are_several_runs(machine, tmp_path):
    folder = write_tiny_bundle(tmp_path / "tiny")
    images = [np.full((50, 60, 3), 20 * level, np.uint8) for level in range(1, 12)]
    expected = [each.to_dict() for each in edgecv.load(folder, engine="onnxruntime")(images)]
    machine.install(folder, make=lambda onnx: fake_plan(onnx, largest=4))
    model = edgecv.load(folder, engine="tensorrt")
    steps(machine)
    assert [each.to_dict() for each in model(images)] == expected
    assert steps(machine).count("network") == 3
    assert model.engines["main"].batch_range() == (1, 4)


def test_a_fixed_shape_says_so(machine, tmp_path):
    engine = open_engine("tensorrt", write(tmp_path, fixed={"images": SHAPE}))
    with pytest.raises(EngineError, match=r"built for \[2, 3, 32, 48\] alone: build it again"):
        run(engine, 1.0, (1, 3, 32, 48))


def test_bound_tensors_have_to_fit(machine, tmp_path):
    engine = open_engine("tensorrt", write(tmp_path))
    with pytest.raises(EngineError, match='"images": expected float32, got float64'):
        engine.bind(0, np.zeros(SHAPE))
    elsewhere = DeviceTensor(1, SHAPE, "float32", 1, 0, "owner")
    with pytest.raises(EngineError, match="lies on cuda:1, this engine runs on cuda:0"):
        engine.bind(0, elsewhere)


def test_host_engines_refuse_device_memory(tmp_path):
    path = str(write_tiny_bundle(tmp_path / "tiny") / "main.onnx")
    for name in ("onnxruntime", "openvino"):
        pytest.importorskip(name)
        with pytest.raises(EngineError, match=r'"images" lies on cuda:0: .* takes host memory'):
            open_engine(name, path).bind(0, DeviceTensor(1, SHAPE, "float32", 0, 0, "owner"))


def test_another_stream_is_waited_for(machine, tmp_path):
    plan = write(tmp_path)
    first, second = open_engine("tensorrt", plan), open_engine("tensorrt", plan)
    run(first, 1.0)
    waiting = first.output_in_place(0)
    assert waiting.shape == (2, 2, 2) and waiting.dtype == "float32"
    shared = open_engines("tensorrt", {"a": plan, "b": plan})
    assert shared["a"]._stream is shared["b"]._stream
    assert first._stream is not second._stream
    source = first._in[0]._memory.address
    second.bind(0, DeviceTensor(source, SHAPE, "float32", 0, first._stream.handle, first))
    steps(machine)
    second.run()
    assert steps(machine) == ["wait", "network", "wait"]
    np.testing.assert_allclose(second.output(0)[1], SCORES)


def test_feature_maps_stay_on_the_device(machine, tmp_path):
    folder = shutil.copytree(GOLDEN / "bundle_v1_rcnn", tmp_path / "rcnn")
    expected = edgecv.load(folder, engine="onnxruntime")(PICTURE).to_dict()
    machine.install(folder, make=lambda onnx: fake_plan(onnx, largest=256))
    model = edgecv.load(folder, engine="tensorrt")
    assert (model.engine_name, model.device) == ("tensorrt", "cuda")
    for _ in range(2):
        assert model(PICTURE).to_dict() == expected
        calls = steps(machine)
    assert len(expected["detections"]) > 0
    # The backbone: the image in, two levels of objectness and deltas out. Roi and mask: boxes of
    # two levels (and labels) in, logits and deltas (masks) out. Nothing else is copied.
    first, second, third = " ".join(calls).split("network")[:3]
    assert calls.count("network") == 3
    assert (first.count("to device"), second.count("to host")) == (1, 4)
    assert (second.count("to device"), third.count("to device")) == (2, 3)


def test_devices_that_are_not_there(machine, tmp_path):
    plan = write(tmp_path)
    with pytest.raises(EngineError, match="there is no GPU 3: this machine has 1"):
        open_engine("tensorrt", plan, device="cuda:3")
    with pytest.raises(EngineError, match='device "cpu": expected cuda, or cuda:1'):
        open_engine("tensorrt", plan, device="cpu")


@pytest.mark.parametrize(
    ("cuda", "message"),
    [
        (FakeCuda(driver=0), "there is no NVIDIA driver on this machine"),
        (
            FakeCuda(driver=12020),
            r"driver is too old: it is for CUDA 12\.2, cuda-python for CUDA 13\.0: update the "
            r"driver, or pip install 'cuda-python<13'",
        ),
        (FakeCuda(devices=0), "the NVIDIA driver finds no GPU"),
    ],
)
def test_no_gpu_says_why(cuda, message, monkeypatch):
    monkeypatch.setattr("edgecv_runtime.engines.nvidia.cuda.import_cuda", lambda: cuda)
    with pytest.raises(EngineError, match=message):
        describe_gpu()


def test_other_errors_of_cuda_keep_their_words(machine):
    with pytest.raises(
        EngineError, match="cudaErrorInvalidValue: the words for cudaErrorInvalidValue"
    ):
        check((cudaError_t.cudaErrorInvalidValue, None))
    assert check((cudaError_t.cudaSuccess, 7)) == 7
    assert check((cudaError_t.cudaSuccess,)) is None


def test_a_tensorrt_that_is_too_old_or_broken(monkeypatch):
    import sys
    from types import SimpleNamespace

    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="8.6.1"))
    with pytest.raises(EngineError, match=r"TensorRT 8\.6\.1 is too old: expected 10\.3 or later"):
        import_tensorrt("tensorrt")
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="10.10.0"))
    assert import_tensorrt("tensorrt").__version__ == "10.10.0"
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match=r"TensorRT is not installed: pip install"):
        import_tensorrt("tensorrt")
