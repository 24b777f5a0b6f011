"""INT8 graphs: their two forms, the arithmetic of gates, and which layers suffer."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv_export.precision.byte_arithmetic import byte_arithmetic
from edgecv_export.precision.calibration import measure_ranges
from edgecv_export.precision.int8_graph import Quantizer, check_patterns
from edgecv_export.precision.sensitivity import rank_layers
from edgecv_runtime import InputError

RNG = np.random.default_rng(0)


def node(op: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), [output], name=output, **attributes)


def model_of(
    nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], channels: int = 3
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


def normal(*shape: int, scale: float = 0.3) -> np.ndarray:
    return RNG.normal(0, scale, shape).astype(np.float32)


@pytest.fixture(scope="module")
def feeds() -> list[dict[str, np.ndarray]]:
    return [{"x": normal(1, 3, 8, 8, scale=1)} for _ in range(4)]


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    return model_of(
        [
            node("Conv", "x w1 b1", "first", pads=[1, 1, 1, 1]),
            node("Relu", "first", "active"),
            node("Conv", "active w2 b2", "second", pads=[1, 1, 1, 1]),
            node("Add", "second active", "sum"),
            node("ReduceMean", "sum axes", "mean"),
            node("Flatten", "mean", "flat"),
            node("Gemm", "flat w3 b3", "y"),
        ],
        {
            "w1": normal(8, 3, 3, 3),
            "b1": normal(8),
            "w2": normal(8, 8, 3, 3),
            "b2": normal(8),
            "axes": np.array([2, 3], np.int64),
            "w3": normal(8, 5),
            "b3": normal(5),
        },
    )


def run(model: onnx.ModelProto, feed: dict[str, np.ndarray]) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, feed)[0]


def quantizer(model: onnx.ModelProto, dialect: str, feeds: list, **options: bool) -> Quantizer:
    made = Quantizer(model, dialect, **options)
    made.calibrate(feeds, "minmax")
    return made


def arrays(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def zero_points(model: onnx.ModelProto) -> list[np.ndarray]:
    weights = arrays(model)
    return [
        weights[each.input[2]]
        for each in model.graph.node
        if each.op_type in ("QuantizeLinear", "DequantizeLinear")
    ]


@pytest.mark.parametrize("dialect", ["onnx", "tensorrt"])
def test_results_stay_near(dialect: str, network: onnx.ModelProto, feeds: list) -> None:
    int8 = quantizer(network, dialect, feeds).quantize()
    exact = np.concatenate([run(network, feed) for feed in feeds])
    found = np.concatenate([run(int8, feed) for feed in feeds])
    assert 0 < np.abs(found - exact).max() < 0.05 * np.abs(exact).max()
    for value in (*int8.graph.input, *int8.graph.output):
        assert value.type.tensor_type.elem_type == TensorProto.FLOAT


def test_the_form_for_processors(network: onnx.ModelProto, feeds: list) -> None:
    int8 = quantizer(network, "onnx", feeds).quantize()
    weights = arrays(int8)
    assert weights["w1_quantized"].dtype == np.int8
    assert weights["w1_scale"].shape == (8,)  # one for each output channel
    assert weights["b1_quantized"].dtype == np.int32
    assert weights["x_zero_point"].dtype == np.uint8 and weights["x_zero_point"] > 0
    assert {each.op_type for each in int8.graph.node} >= {"GlobalAveragePool"}


def test_the_form_for_tensorrt(network: onnx.ModelProto, feeds: list) -> None:
    int8 = quantizer(network, "tensorrt", feeds).quantize()
    weights = arrays(int8)
    assert all(zero.dtype == np.int8 and not zero.any() for zero in zero_points(int8))
    assert weights["b1"].dtype == np.float32 and "b1_quantized" not in weights
    assert weights["w1_scale"].shape == (8,)
    rtx = pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")
    from edgecv_export.tensorrt.plan import BuildOptions, ShapeRange, build_plan

    assert rtx is not None
    shape = (1, 3, 8, 8)
    ranges = {"x": ShapeRange(shape, shape, shape)}
    build_plan(int8.SerializeToString(), ranges, options=BuildOptions((86,)))


def test_seven_bits_where_products_saturate(network: onnx.ModelProto, feeds: list) -> None:
    full = arrays(quantizer(network, "onnx", feeds).quantize())["w1_quantized"]
    reduced = arrays(quantizer(network, "onnx", feeds, reduce_range=True).quantize())
    assert np.abs(full.astype(int)).max() == 127
    assert np.abs(reduced["w1_quantized"].astype(int)).max() == 64
    # TensorRT has no such need.
    rtx = arrays(quantizer(network, "tensorrt", feeds, reduce_range=True).quantize())
    assert np.abs(rtx["w1_quantized"].astype(int)).max() == 127


@pytest.mark.parametrize("gate", ["HardSwish", "HardSigmoid"])
def test_gates_in_byte_arithmetic(gate: str) -> None:
    attributes = {"alpha": 1 / 6, "beta": 0.5} if gate == "HardSigmoid" else {}
    model = model_of(
        [
            node("Conv", "x identity", "same"),
            node(gate, "same", "gated", **attributes),
            node("Conv", "gated identity", "y"),
        ],
        {"identity": np.eye(3, dtype=np.float32)[:, :, None, None]},
    )
    feed = {"x": np.linspace(-8, 8, 192, dtype=np.float32).reshape(1, 3, 8, 8)}
    int8 = quantizer(model, "onnx", [feed]).quantize()
    kinds = {each.op_type for each in int8.graph.node}
    assert gate not in kinds and "Clip" not in kinds  # what clamps is the rounding
    x = feed["x"]
    exact = np.clip(x / 6 + 0.5, 0, 1) * (x if gate == "HardSwish" else 1)
    step = 16 / 255
    # Half a step of the input, of the gate (times the input) and of the result.
    allowed = 2 * step if gate == "HardSwish" else step / 6 + 1 / 255
    np.testing.assert_allclose(run(int8, feed), exact, atol=allowed)


def test_a_hard_sigmoid_of_another_slope_stays() -> None:
    model = model_of(
        [node("HardSigmoid", "x", "gated"), node("Conv", "gated w", "y")],
        {"w": normal(2, 3, 1, 1)},
    )
    feed = {"x": normal(1, 3, 8, 8, scale=2)}
    int8 = quantizer(model, "onnx", [feed]).quantize()
    assert "HardSigmoid" in {each.op_type for each in int8.graph.node}
    np.testing.assert_allclose(run(int8, feed), run(model, feed), atol=0.03)


def test_layers_that_stay_in_float(network: onnx.ModelProto, feeds: list) -> None:
    made = quantizer(network, "onnx", feeds)
    assert made.layers == ["first", "second", "y"]
    assert made.find(["w[12]"]) == ["first", "second"] and made.find(["y"]) == ["y"]
    check_patterns(["w3"], [made])
    with pytest.raises(InputError, match=r"no layer is named 'w9'; the layers are w1, w2, w3"):
        check_patterns(["w3", "w9"], [made])
    weights = arrays(made.quantize(keep_float=["second"]))
    assert "w2" in weights and "w2_quantized" not in weights and "w1_quantized" in weights


def test_the_end_of_a_graph_moves_floats() -> None:
    """Logits of different levels keep ranges of their own."""
    model = model_of(
        [
            node("Conv", "x small", "fine"),
            node("Conv", "x large", "coarse"),
            node("Concat", "fine coarse", "y", axis=1),
        ],
        {"small": normal(2, 3, 1, 1, scale=0.01), "large": normal(2, 3, 1, 1, scale=10)},
    )
    feed = {"x": normal(1, 3, 8, 8)}
    found = run(quantizer(model, "onnx", [feed]).quantize(), feed)[:, :2]
    exact = run(model, feed)[:, :2]
    np.testing.assert_allclose(found, exact, atol=0.02 * np.abs(exact).max())


def test_boxes_and_sampling_stay_in_float() -> None:
    model = model_of(
        [
            node("Conv", "x w", "features"),
            node("RoiAlign", "features boxes batch", "pooled", output_height=2, output_width=2),
            node("Conv", "pooled w2", "y"),
        ],
        {
            "w": normal(4, 3, 1, 1),
            "boxes": np.array([[0, 0, 4, 4]], np.float32),
            "batch": np.zeros(1, np.int64),
            "w2": normal(2, 4, 1, 1),
        },
    )
    int8 = quantizer(model, "tensorrt", [{"x": normal(1, 3, 8, 8)}]).quantize()
    (pool,) = (each for each in int8.graph.node if each.op_type == "RoiAlign")
    assert pool.input[1] == "boxes"


def test_the_error_of_a_layer_is_what_numpy_says(feeds: list) -> None:
    model = model_of([node("Conv", "x w", "y")], {"w": normal(2, 3, 1, 1)})
    made = quantizer(model, "onnx", feeds)
    int8 = made.quantize()
    values = arrays(int8)
    (found,) = rank_layers(made, int8, feeds[:1])
    scale, zero = values["x_scale"], values["x_zero_point"].astype(np.float32)
    x = feeds[0]["x"]
    codes = np.clip(np.round(x / scale) + zero, 0, 255)
    weight = values["w_quantized"] * values["w_scale"][:, None, None, None]
    rough = np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], (codes - zero) * scale)
    exact = np.einsum("oi,nihw->nohw", arrays(model)["w"][:, :, 0, 0], x)
    expected = np.sqrt(np.square(rough - exact).sum() / np.square(exact).sum())
    assert (found.layer, found.weight) == ("y", "w")
    assert found.error == pytest.approx(float(expected), rel=1e-3)


def test_the_layer_with_an_outlier_is_the_most_sensitive(
    network: onnx.ModelProto, feeds: list
) -> None:
    spoilt = onnx.ModelProto()
    spoilt.CopyFrom(network)
    for tensor in spoilt.graph.initializer:
        if tensor.name == "w2":
            weight = numpy_helper.to_array(tensor).copy()
            weight[:, 0, 0, 0] = 60  # next to it the others round to nothing
            tensor.CopyFrom(numpy_helper.from_array(weight, "w2"))
    for model, worst in ((network, None), (spoilt, "w2")):
        made = quantizer(model, "onnx", feeds)
        ranked = rank_layers(made, made.quantize(), feeds)
        assert {entry.weight for entry in ranked} == {"w1", "w2", "w3"}
        if worst:
            assert ranked[0].weight == worst
        assert [e.error for e in ranked] == sorted((e.error for e in ranked), reverse=True)


def test_ranges(network: onnx.ModelProto, feeds: list) -> None:
    def range_of(method: str, symmetric: bool = False) -> tuple[float, float]:
        found = measure_ranges(network, feeds, method, ["Conv"], symmetric=symmetric)
        low, high = found.data["x"].range_value
        return low.item(), high.item()

    values = np.concatenate([feed["x"] for feed in feeds])
    assert range_of("minmax") == (float(values.min()), float(values.max()))
    size = float(np.abs(values).max())
    assert range_of("minmax", symmetric=True) == (-size, size)
    lonely = np.where(np.arange(192).reshape(1, 3, 8, 8) == 7, 40, feeds[0]["x"])
    outlier = [{"x": lonely.astype(np.float32)}, *feeds]
    found = measure_ranges(network, outlier, "entropy", ["Conv"], symmetric=True)
    assert found.data["x"].range_value[1].item() < 40
    with pytest.raises(InputError, match="calibration is 'kl'; expected one of minmax, entropy"):
        measure_ranges(network, feeds, "kl", ["Conv"], symmetric=False)
    with pytest.raises(InputError, match="the network was not run on any image"):
        measure_ranges(network, [], "minmax", ["Conv"], symmetric=False)


@pytest.mark.parametrize(
    ("flags", "name", "saturates"),
    [
        ("flags\t\t: fpu avx2 avx512bw avx512_vnni", "AVX-512 VNNI", False),
        ("flags\t\t: fpu avx2 avx_vnni", "AVX-VNNI", False),
        ("flags\t\t: fpu sse4_1 avx2", "AVX2 without VNNI", True),
        ("Features\t: fp asimd asimddp", "Arm NEON", False),
        ("", "unknown", True),
    ],
)
def test_instruction_sets(flags: str, name: str, saturates: bool) -> None:
    found = byte_arithmetic(f"model name\t: some CPU\n{flags}\n")
    assert (found.name, found.saturates) == (name, saturates)
