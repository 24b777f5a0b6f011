"""OpenVINO runs the bundles of exported models as ONNX Runtime does, in the precision asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgecv_runtime
from edgecv_export.precision.agreement import agreement
from edgecv_runtime import BundleError, EngineError
from helpers.all_scores import load_all_scores

pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.mark.parametrize("fixture", ["small_bundle", "mask_bundle"])
def test_results_are_those_of_onnx_runtime(
    fixture: str, request: pytest.FixtureRequest, images: list[np.ndarray]
) -> None:
    bundle: Path = request.getfixturevalue(fixture)
    reference = load_all_scores(bundle)
    model = load_all_scores(bundle, engine="openvino")
    assert model.engine_name == "openvino" and model.precision == "fp32"
    found = 0
    for image in images:
        ours, theirs = reference(image), model(image)
        assert len(theirs) == len(ours)
        np.testing.assert_array_equal(theirs.labels, ours.labels)
        np.testing.assert_allclose(theirs.scores, ours.scores, atol=1e-3)
        np.testing.assert_allclose(theirs.boxes, ours.boxes, atol=0.2)
        found += len(ours)
    assert found > 20


def test_bf16_is_the_fp32_graph_computed_in_bf16(
    small_bundle: Path, images: list[np.ndarray]
) -> None:
    import openvino

    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" not in able:
        with pytest.raises(EngineError, match="this CPU cannot compute in bf16"):
            edgecv_runtime.load(small_bundle, engine="openvino", precision="bf16")
        return
    full = load_all_scores(small_bundle, engine="openvino")
    half = load_all_scores(small_bundle, engine="openvino", precision="bf16")
    assert full.engines["main"].inference_precision == "f32"  # type: ignore[attr-defined]
    assert half.engines["main"].inference_precision == "bf16"  # type: ignore[attr-defined]
    pairs = [(full(image), half(image)) for image in images]
    assert agreement("detect", pairs).value > 0.9
    scores = [
        np.sort(np.concatenate([f.scores[:5] for f in found])) for found in zip(*pairs, strict=True)
    ]
    assert not np.array_equal(*scores)


def test_bf16_is_openvinos_alone(small_bundle: Path) -> None:
    with pytest.raises(BundleError, match='no graph "main" in precision "bf16"'):
        edgecv_runtime.load(small_bundle, engine="onnxruntime", precision="bf16")
    assert edgecv_runtime.load(small_bundle, precision="bf16").engine_name == "openvino"


def test_what_openvino_does_not_have(small_bundle: Path) -> None:
    with pytest.raises(EngineError, match=r'openvino has no device "gpu.7" here, only .*cpu'):
        edgecv_runtime.load(small_bundle, engine="openvino", device="gpu.7")
    from edgecv_runtime.engines.openvino import OpenVinoEngine

    with pytest.raises(EngineError, match='openvino has no precision "fp8": expected one of fp32'):
        OpenVinoEngine(small_bundle / "main.onnx", precision="fp8")
