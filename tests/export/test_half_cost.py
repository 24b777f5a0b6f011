"""What FP16 costs layer by layer, against NumPy; and what a refusal says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.cli.main import main
from edgecv_export import RefusedError
from edgecv_export.precision import fp16_variant as half
from edgecv_export.precision.agreement import Agreement
from edgecv_export.precision.fp16_cost import half_costs, weights_in_half
from edgecv_export.precision.fp16_variant import HalfReport
from edgecv_export.precision.variant import add_variant

RNG = np.random.default_rng(0)
FIRST = RNG.normal(0, 1, (8, 16)).astype(np.float32)
SECOND = RNG.normal(0, 1, (16, 4)).astype(np.float32)
BIAS = RNG.normal(0, 1, 4).astype(np.float32)


def model() -> onnx.ModelProto:
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["a"], name="one"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Gemm", ["b", "second", "bias"], ["y"], name="two"),
    ]
    weights = {"first": FIRST, "second": SECOND, "bias": BIAS}
    graph = helper.make_graph(
        nodes,
        "two layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float32)


def relative(changed: np.ndarray, exact: np.ndarray) -> float:
    return float(np.sqrt(np.square(changed - exact).sum() / np.square(exact).sum()))


def test_each_layer_against_numpy() -> None:
    x = RNG.normal(0, 1, (50, 8)).astype(np.float32)
    exact = x @ FIRST
    hidden = np.maximum(exact, 0)
    expected = {
        "first": relative(rounded(rounded(x) @ rounded(FIRST)), exact),
        "second": relative(
            rounded(rounded(hidden) @ rounded(SECOND) + rounded(BIAS)), hidden @ SECOND + BIAS
        ),
    }
    found = half_costs(model(), {}, [{"x": x[:20]}, {"x": x[20:]}])
    assert {entry.weight: entry.error for entry in found} == pytest.approx(expected, rel=0.02)
    assert [entry.error for entry in found] == sorted((e.error for e in found), reverse=True)
    assert 1e-4 < found[0].error < 1e-3  # 11 bits
    # A layer that stays in FP32 costs nothing and is not listed.
    kept = half_costs(model(), {"a": 60000.0}, [{"x": x}])
    assert [entry.weight for entry in kept] == ["second"]


def test_weights_alone() -> None:
    changed = {t.name: numpy_helper.to_array(t) for t in weights_in_half(model()).graph.initializer}
    np.testing.assert_array_equal(changed["first"], rounded(FIRST))
    assert not np.array_equal(changed["first"], FIRST)


def test_the_report_of_a_variant(small_bundle: Path, tmp_path: Path, images: Any) -> None:
    import shutil

    bundle = Path(shutil.copytree(small_bundle, tmp_path / "bundle"))
    report = add_variant(bundle, "fp16", dialects=["onnx"], images=images)
    (layers,) = report.notes["most_costly_layers"].values()
    assert 3 < len(layers) <= 10 and all(0 < layer["error"] < 0.01 for layer in layers)
    assert "what fp16 costs most" in report.table() and layers[0]["weight"] in report.table()


def test_a_refusal_says_what_is_at_fault(
    small_bundle: Path, tmp_path: Path, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    bundle = Path(shutil.copytree(small_bundle, tmp_path / "bundle"))
    before = sorted(path.name for path in bundle.iterdir())
    monkeypatch.setattr(half, "LEAST_AGREEMENT", 1.01)
    with pytest.raises(RefusedError, match="the network itself amplifies rounding") as caught:
        add_variant(bundle, "fp16", dialects=["onnx"], images=images)
    assert main(["build", str(bundle), "--precision", "fp16", "--engine", "onnxruntime"]) == 3
    assert sorted(path.name for path in bundle.iterdir()) == before
    assert caught.value.report is not None
    assert "weights rounded, all else in fp32: matched detections" in caught.value.report.table()
    monkeypatch.undo()

    def found(value: float) -> Agreement:
        return Agreement("matched detections", value, 100, "detections of both")

    assert HalfReport(found(0.9), found(0.995), {}).failure() == (
        "fp16 gives other results than fp32: matched detections 90.00 % of 100 detections of both, "
        "expected 98 %; rounding the weights alone gives 99.50 %: the layers above cost most; "
        "nothing is written"
    )
