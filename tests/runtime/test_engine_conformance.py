"""One suite for every engine, and what is particular to ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgecv_runtime import Engine, EngineError
from edgecv_runtime.engines import open_engine
from helpers.fake_cuda import FakeCuda
from helpers.fake_tensorrt import fake_plan, fake_tensorrt
from helpers.tiny_bundle import BOXES, SCORES, write_tiny_bundle

FAKE = ("tensorrt on a fake GPU", "tensorrt_rtx on a fake GPU")
REAL = ("onnxruntime on cuda", "tensorrt", "tensorrt_rtx")


@pytest.fixture(
    params=[
        "onnxruntime",
        "openvino",
        *FAKE,
        *(pytest.param(name, marks=pytest.mark.gpu) for name in REAL),
    ]
)
def open_graph(request, tmp_path, monkeypatch):
    """Opens the engine under test over an ONNX file."""
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))
    name, _, device = request.param.partition(" on ")
    if request.param in FAKE:
        cuda = FakeCuda()
        module = fake_tensorrt(cuda, rtx=name == "tensorrt_rtx")
        monkeypatch.setattr("edgecv_runtime.engines.nvidia.cuda.import_cuda", lambda: cuda)
        monkeypatch.setattr("edgecv_runtime.engines.tensorrt.import_tensorrt", lambda kind: module)
        return lambda path: open_engine(name, write_plan(path, fake_plan(path.read_bytes())))
    pytest.importorskip(name)
    if name.startswith("tensorrt"):
        return lambda path: open_engine(name, write_plan(path, real_plan(name, path)))
    return lambda path: open_engine(name, str(path), device=device or None)


def write_plan(path, content):
    plan = path.with_suffix(".plan")
    plan.write_bytes(content)
    return str(plan)


def real_plan(kind, path):
    """Built on this machine's GPU, for 0 to 8 rows."""
    from edgecv_export.tensorrt.build import check_build
    from edgecv_export.tensorrt.plan import BuildOptions, ShapeRange, build_plan

    content = path.read_bytes()
    try:
        _, _, options = check_build(kind, BuildOptions())
    except EngineError as error:
        if "not supported on this GPU" not in str(error):
            raise
        pytest.skip(str(error))
    if path.name.startswith("broken"):
        return content
    ranges = {}
    for value in onnx.load_from_string(content).graph.input:
        shape = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        ranges[value.name] = ShapeRange(*((n, *shape[1:]) for n in (0, 1, 8)))
    return build_plan(content, ranges, kind=kind, options=options).content


@pytest.fixture
def engine(open_graph, tmp_path):
    return open_graph(write_tiny_bundle(tmp_path / "tiny") / "main.onnx")


def test_it_describes_its_graph(engine):
    assert isinstance(engine, Engine)
    described = [(t.name, t.dtype, tuple(t.shape)) for t in [*engine.inputs, *engine.outputs]]
    assert described == [
        ("images", "float32", (-1, 3, 32, 48)),
        ("scores", "float32", (-1, 2, 2)),
        ("boxes", "float32", (-1, 2, 4)),
    ]


def test_it_runs_on_its_own_buffer_with_changing_shapes(engine):
    for batch, level in ((1, 1.0), (3, 0.5), (3, 0.25), (1, 0.75)):
        buffer = engine.input(0, (batch, 3, 32, 48))
        assert buffer.shape == (batch, 3, 32, 48) and buffer.dtype == np.float32
        buffer[...] = level
        engine.run()
        np.testing.assert_allclose(engine.output(0), np.repeat(SCORES[None] * level, batch, 0))
        np.testing.assert_array_equal(engine.output(1), np.repeat(BOXES[None], batch, 0))


def test_runs_of_one_shape_give_each_its_own_values(engine):
    for level in (1.0, 0.5, 0.25, 0.125):
        engine.input(0, (2, 3, 32, 48))[...] = level
        engine.run()
        np.testing.assert_allclose(engine.output(0), np.repeat(SCORES[None] * level, 2, 0))


def test_it_runs_on_the_callers_array(engine):
    mine = np.full((2, 3, 32, 48), 0.5, np.float32)
    engine.bind(0, mine)
    engine.run()
    np.testing.assert_allclose(engine.output(0)[1], SCORES * 0.5)
    mine[...] = 1  # no copy was made
    engine.run()
    np.testing.assert_allclose(engine.output(0)[1], SCORES)


def test_a_further_context_has_inputs_and_outputs_of_its_own(engine):
    """Engines without one say so: their calls wait for each other."""
    other = engine.new_context()
    if other is None:
        assert "TensorRt" in type(engine).__name__ or "Gpu" in type(engine).__name__
        return
    assert [spec.name for spec in other.outputs] == ["scores", "boxes"]
    engine.input(0, (2, 3, 32, 48))[...] = 1
    other.input(0, (1, 3, 32, 48))[...] = 0.5
    engine.run()
    mine = engine.output(0)
    other.run()
    np.testing.assert_allclose(other.output(0), SCORES[None] * 0.5)
    np.testing.assert_allclose(mine, np.repeat(SCORES[None], 2, 0))
    del engine  # the weights live on
    other.run()
    np.testing.assert_allclose(other.output(0), SCORES[None] * 0.5)


def test_an_output_of_one_engine_is_the_input_of_another(open_graph, tmp_path):
    """Feature maps pass on like this, in changing shapes."""
    path = write_chain(tmp_path / "chain.onnx")
    first, second = (open_graph(path) for _ in range(2))
    for rows, level in ((2, 1.0), (3, 2.0), (3, 5.0), (1, 4.0)):
        first.input(0, (rows, 4))[...] = level
        first.input(1, (rows,))[...] = 7
        first.run()
        second.bind(0, first.output_in_place(0))
        second.input(1, (rows,))[...] = 3
        second.run()
        handed_over = first.output(0)
        np.testing.assert_array_equal(second.output(0), np.full((rows, 4), 4 * level))
        np.testing.assert_array_equal(handed_over, np.full((rows, 4), 2 * level))
        np.testing.assert_array_equal(second.output(1), np.full(rows, 3))


def test_inputs_without_rows(open_graph, tmp_path):
    engine = open_graph(write_chain(tmp_path / "chain.onnx"))
    for rows in (0, 2, 0):
        engine.input(0, (rows, 4))[...] = 1
        engine.input(1, (rows,))[...] = 1
        engine.run()
        assert engine.output(0).shape == (rows, 4)


def write_chain(path):
    """Doubles floats [n, 4] and hands on integers [n]."""
    values = helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", 4])
    labels = helper.make_tensor_value_info("labels", TensorProto.INT64, ["n"])
    doubled = helper.make_tensor_value_info("doubled", TensorProto.FLOAT, ["n", 4])
    same = helper.make_tensor_value_info("same", TensorProto.INT64, ["n"])
    nodes = [
        helper.make_node("Add", ["values", "values"], ["doubled"]),
        helper.make_node("Identity", ["labels"], ["same"]),
    ]
    graph = helper.make_graph(nodes, "chain", [values, labels], [doubled, same])
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_outputs_whose_shapes_depend_on_values(name, tmp_path):
    """As of a network with its own suppression: the inputs' shapes stay."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.INT64, [1, "k"])
    graph = helper.make_graph([helper.make_node("NonZero", ["x"], ["y"])], "g", [x], [y])
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "z.onnx")
    engine = open_engine(name, str(tmp_path / "z.onnx"))
    for values in ([1, 0, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]):
        engine.input(0, (4,))[...] = values
        engine.run()
        np.testing.assert_array_equal(engine.output(0), [np.flatnonzero(values)])


def test_a_shape_that_does_not_fit_is_a_clear_error(engine):
    engine.input(0, (1, 3, 31, 48))[...] = 0
    with pytest.raises(EngineError, match="failed"):
        engine.run()


def test_a_broken_file_is_a_clear_error(open_graph, tmp_path, monkeypatch):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x08\x07no model")
    monkeypatch.setitem(globals(), "fake_plan", lambda content: content)
    with pytest.raises(EngineError, match=r"cannot load .*broken\.(onnx|plan)") as caught:
        open_graph(broken)
    assert "\n" not in str(caught.value)


def test_an_unknown_engine_names_those_there_are():
    with pytest.raises(
        EngineError, match='engine "caffe" is not known: expected one of tensorrt, '
    ):
        open_engine("caffe", "x.onnx")


class TestOnnxRuntime:
    def test_a_device_that_is_not_there_is_an_error(self, tmp_path):
        path = str(write_tiny_bundle(tmp_path / "tiny") / "main.onnx")
        import onnxruntime

        absent = (
            "rocm" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cuda"
        )
        with pytest.raises(EngineError, match=f'no device "{absent}", only .*cpu'):
            open_engine("onnxruntime", path, device=absent)
        with pytest.raises(EngineError, match="expected a number behind the colon"):
            open_engine("onnxruntime", path, device="cuda:x")

    def test_a_provider_by_its_full_name(self, tmp_path):
        path = str(write_tiny_bundle(tmp_path / "tiny") / "main.onnx")
        engine = open_engine("onnxruntime", path, device="CPUExecutionProvider", threads=1)
        assert engine.provider == "CPUExecutionProvider"

    def test_a_dtype_that_the_runtime_does_not_know(self, tmp_path):
        value = helper.make_tensor_value_info("x", TensorProto.BOOL, [1])
        result = helper.make_tensor_value_info("y", TensorProto.BOOL, [1])
        graph = helper.make_graph([helper.make_node("Not", ["x"], ["y"])], "g", [value], [result])
        opset = helper.make_opsetid("", 18)
        onnx.save(
            helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "b.onnx"
        )
        with pytest.raises(EngineError, match=r'"x" is a tensor\(bool\)'):
            open_engine("onnxruntime", str(tmp_path / "b.onnx"))

    def test_an_empty_output(self, tmp_path):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
        graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
        opset = helper.make_opsetid("", 18)
        onnx.save(
            helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "r.onnx"
        )
        engine = open_engine("onnxruntime", str(tmp_path / "r.onnx"))
        engine.input(0, (0, 4))
        engine.run()
        assert engine.output(0).shape == (0, 4)
