"""FP16 by casting: what runs in half, what does not, and that results stay near."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv_export import ExportError
from edgecv_export.precision.fp16_graph import cast_to_half, emulate_half
from edgecv_export.precision.largest_values import largest_values

F16, F32 = TensorProto.FLOAT16, TensorProto.FLOAT
RNG = np.random.default_rng(0)


def make_model(
    nodes: list[onnx.NodeProto],
    weights: dict[str, np.ndarray],
    inputs: dict[str, list[int | str]],
    outputs: list[str],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, F32, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, F32, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> list[np.ndarray]:
    """As a device would: ONNX Runtime on a CPU computes FP16 graphs in float32."""
    model = emulate_half(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)


def input_types(model: onnx.ModelProto) -> dict[str, set[int]]:
    """Float types that each node takes, by the node's name."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    kinds |= {
        value.name: value.type.tensor_type.elem_type
        for value in (*graph.input, *graph.output, *graph.value_info)
    }
    return {n.name: {kinds[i] for i in n.input if kinds[i] in (F16, F32)} for n in graph.node}


def node(op: str, inputs: str, outputs: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), name=outputs, **attributes)


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    return make_model(
        [
            node("Conv", "x w b", "conv", pads=[1, 1, 1, 1]),
            node("InstanceNormalization", "conv scale shift", "normal"),
            node("Relu", "normal", "relu"),
            node("Resize", "relu none sizes", "wide", mode="linear"),
            node("ReduceMean", "wide axes", "mean", keepdims=0),
            node("Gemm", "mean w2 b2", "logits"),
            node("Softmax", "logits", "scores", axis=1),
        ],
        {
            "w": RNG.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32),
            "b": RNG.normal(0, 0.1, 8).astype(np.float32),
            "scale": np.ones(8, np.float32),
            "shift": np.zeros(8, np.float32),
            "none": np.zeros(0, np.float32),
            "sizes": np.array([1, 1, 2, 2], np.float32),
            "axes": np.array([2, 3], np.int64),
            "w2": RNG.normal(0, 0.5, (8, 5)).astype(np.float32),
            "b2": np.zeros(5, np.float32),
        },
        {"x": ["n", 3, 6, 7]},
        ["scores", "conv"],
    )


def test_layers_run_in_half_and_statistics_in_float(network: onnx.ModelProto) -> None:
    half, overflowing = cast_to_half(network)
    assert overflowing == []
    types = input_types(half)
    assert {name: types[name] for name in ("conv", "relu", "logits")} == {
        "conv": {F16},
        "relu": {F16},
        "logits": {F16},
    }
    assert {name: types[name] for name in ("normal", "mean", "scores")} == {
        "normal": {F32},
        "mean": {F32},
        "scores": {F32},
    }
    assert types["wide"] == {F16, F32}  # the scales of a Resize are float32 always
    for value in (*half.graph.input, *half.graph.output):
        assert value.type.tensor_type.elem_type == F32
    stored = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert stored["w_half"] == F16 and "w" not in stored


def test_results_stay_near(network: onnx.ModelProto) -> None:
    image = RNG.normal(0, 1, (2, 3, 6, 7)).astype(np.float32)
    scores, conv = run(network, x=image)
    half_scores, half_conv = run(cast_to_half(network)[0], x=image)
    # 2^-11 for each rounding, of the weights, the input and the output.
    np.testing.assert_allclose(half_conv, conv, atol=4 * 2**-11 * np.abs(conv).max())
    np.testing.assert_allclose(half_scores, scores, atol=5e-3)
    assert np.abs(half_conv - conv).max() > 0  # it did run in half


def test_emulation_rounds_as_numpy_does() -> None:
    weights = {"a": np.full(1, 1 / 3, np.float32), "b": np.full(1, 0.1, np.float32)}
    model = make_model(
        [node("Mul", "x a", "z"), node("Relu", "z", "kept"), node("Add", "kept b", "y")],
        weights,
        {"x": [1, 64]},
        ["y"],
    )
    x = RNG.uniform(0, 10, (1, 64)).astype(np.float32)
    half = np.float16
    product = (x.astype(half).astype(np.float32) * np.float32(half(1 / 3))).astype(half)
    expected = (product.astype(np.float32) + np.float32(half(0.1))).astype(half)
    np.testing.assert_array_equal(run(cast_to_half(model)[0], x=x)[0], expected)


def test_the_model_given_is_left_alone(network: onnx.ModelProto) -> None:
    before = network.SerializeToString()
    cast_to_half(network)
    assert network.SerializeToString() == before


def sampling() -> onnx.ModelProto:
    """Points in pixels of an atlas 400 rows high, as RoIAlign takes them in dialect tensorrt."""
    return make_model(
        [
            node("Concat", "upper lower", "atlas", axis=2),
            node("Mul", "points to_unit", "scaled"),
            node("Sub", "scaled one", "grid"),
            node("GridSample", "atlas grid", "sampled", align_corners=0),
            node("AveragePool", "sampled", "pooled", kernel_shape=[1, 2], strides=[1, 2]),
            node("Conv", "pooled w", "y"),
        ],
        {
            "to_unit": np.array([2 / 40, 2 / 400], np.float32),
            "one": np.ones(1, np.float32),
            "w": RNG.normal(0, 1, (2, 4, 1, 1)).astype(np.float32),
        },
        {
            "upper": [1, 4, 200, 40],
            "lower": [1, 4, 200, 40],
            "points": [1, "r", 6, 2],
        },
        ["y"],
    )


def test_coordinates_and_what_they_sample_stay_in_float() -> None:
    half, _ = cast_to_half(sampling())
    types = input_types(half)
    assert types["y"] == {F16}
    for name in ("atlas", "scaled", "grid", "sampled", "pooled"):
        assert types[name] == {F32}, name


def test_boxes_of_roi_align_stay_in_float() -> None:
    model = make_model(
        [
            node("Relu", "features", "active"),
            node("Mul", "boxes two", "doubled"),
            node("RoiAlign", "active doubled batch", "pooled", output_height=2, output_width=2),
            node("Conv", "pooled w", "y"),
        ],
        {
            "two": np.full(1, 2, np.float32),
            "batch": np.zeros(3, np.int64),
            "w": np.ones((2, 4, 1, 1), np.float32),
        },
        {"features": [1, 4, 8, 8], "boxes": [3, 4]},
        ["y"],
    )
    types = input_types(cast_to_half(model)[0])
    assert types["doubled"] == types["pooled"] == {F32}
    assert types["active"] == types["y"] == {F16}


def growing() -> onnx.ModelProto:
    return make_model(
        [
            node("Mul", "x factor", "large"),
            node("Relu", "large", "still_large"),
            node("Conv", "still_large w", "small"),
            node("Relu", "small", "y"),
        ],
        {
            "factor": np.full(1, 1000, np.float32),
            "w": np.full((1, 1, 1, 1), 1e-4, np.float32),
        },
        {"x": [1, 1, 2, 2]},
        ["y"],
    )


def test_values_beyond_the_range_stay_in_float() -> None:
    model = growing()
    image = np.full((1, 1, 2, 2), 100, np.float32)
    largest = largest_values(model, [{"x": image}])
    assert largest["large"] == largest["still_large"] == 1e5
    assert largest["y"] == pytest.approx(10)
    blind, overflowing = cast_to_half(model)
    assert overflowing == [] and not np.isfinite(run(blind, x=image)[0]).all()
    safe, overflowing = cast_to_half(model, largest)
    assert overflowing == ["large", "still_large", "small"]
    np.testing.assert_allclose(run(safe, x=image)[0], 10, rtol=1e-3)


def test_headroom_of_two() -> None:
    for level, expected in ((32.0, []), (33.0, ["large", "still_large", "small"])):
        largest = largest_values(growing(), [{"x": np.full((1, 1, 2, 2), level, np.float32)}])
        assert cast_to_half(growing(), largest)[1] == expected


@pytest.mark.parametrize("weight", [7e4, 1e-9])
def test_weights_that_half_cannot_hold(weight: float) -> None:
    model = make_model(
        [node("Mul", "x factor", "y")],
        {"factor": np.full(1, weight, np.float32)},
        {"x": [1, 2]},
        ["y"],
    )
    half, overflowing = cast_to_half(model)
    assert overflowing == ["y"]
    np.testing.assert_allclose(
        run(half, x=np.ones((1, 2), np.float32))[0], np.full((1, 2), weight, np.float32)
    )


def test_an_empty_value_is_no_obstacle_to_measuring() -> None:
    model = make_model(
        [node("Mul", "x factor", "y")],
        {"factor": np.full(1, 2, np.float32)},
        {"x": ["n", 2]},
        ["y"],
    )
    feeds = [{"x": np.zeros((0, 2), np.float32)}, {"x": np.full((1, 2), -3, np.float32)}]
    assert largest_values(model, feeds) == {"x": 3.0, "y": 6.0}


def test_control_flow_is_refused() -> None:
    inner = helper.make_graph([], "inner", [], [])
    model = helper.make_model(
        helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=inner)], "g", [], [])
    )
    with pytest.raises(ExportError, match=r"holds If .* with a graph inside"):
        cast_to_half(model)
