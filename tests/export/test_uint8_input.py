"""Graphs that take bytes: the same results, but for the rounding of the resize."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgecv_export import GraphOptions, export
from edgecv_export.precision.agreement import agreement
from edgecv_export.precision.pipeline import collect_feeds
from edgecv_export.precision.sources import fp32_files
from edgecv_export.precision.uint8_input import check_uint8_fits
from edgecv_export.precision.variant import add_variant
from edgecv_runtime import Bundle, InputError
from helpers.all_scores import load_all_scores

LABELS = ["ant", "bee", "cow", "dog"]


@pytest.fixture(scope="module")
def bundle(small_detector: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bytes") / "bundle"
    return export(
        small_detector, out, labels=LABELS, graph=GraphOptions(input_dtype="uint8")
    ).folder


def feed(bundle: Path, image: np.ndarray) -> np.ndarray:
    opened = Bundle.open(str(bundle))
    (found,) = collect_feeds(opened, fp32_files(opened, "onnx"), "main", [image])
    return found["images"]


def test_the_record_says_bytes(bundle: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    record = manifest["input"]
    assert (record["dtype"], record["scale"]) == ("uint8", 1)
    assert record["mean"] == [0, 0, 0] and record["std"] == [1, 1, 1]
    assert manifest["graphs"]["main"][0]["inputs"][0]["dtype"] == "uint8"
    assert manifest["provenance"]["uint8_input"]["agreement"] >= 0.98


def test_bytes_are_the_levels_rounded_and_normalised_inside(
    bundle: Path, small_bundle: Path, images: list[np.ndarray]
) -> None:
    levels, exact = feed(bundle, images[1]), feed(small_bundle, images[1])
    assert levels.dtype == np.uint8 and exact.dtype == np.float32
    # The detector's own mean and deviation, of levels in 0..1.
    mean = np.array([0.4, 0.5, 0.6])[:, None, None]
    std = np.array([0.2, 0.25, 0.3])[:, None, None]
    unrounded = (exact * std + mean) * 255
    assert np.abs(levels - unrounded).max() <= 0.5 + 1e-3
    normalised = ((levels / 255 - mean) / std).astype(np.float32)
    outputs = []
    for folder, tensor in ((bundle, levels), (small_bundle, normalised)):
        session = onnxruntime.InferenceSession(str(folder / "main.onnx"))
        outputs.append(session.run(None, {"images": tensor}))
    for ours, theirs in zip(*outputs, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_results_and_other_precisions(
    bundle: Path, small_bundle: Path, images: list[np.ndarray]
) -> None:
    reference = load_all_scores(small_bundle, engine="onnxruntime")
    expected = [reference(image) for image in images]
    add_variant(bundle, "fp16", images=[image[:200, :180] for image in images])
    kinds = {value.data_type for value in onnx.load(bundle / "main.fp16.onnx").graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds
    for engine, precision in (
        ("onnxruntime", "fp32"),
        ("onnxruntime", "fp16"),
        ("openvino", "fp32"),
    ):
        if engine == "openvino":
            pytest.importorskip("openvino", reason="OpenVINO is not installed")
        model = load_all_scores(bundle, engine=engine, precision=precision)
        pairs = zip(expected, map(model, images), strict=True)
        assert agreement("detect", pairs).value >= 0.97


RECORD = {
    "resize": "letterbox",
    "pad_multiple": 32,
    "pad_value": 0.0,
    "scale": 1 / 255,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}


def test_padding_that_is_not_a_whole_level_is_refused() -> None:
    with pytest.raises(InputError, match="pads images with its mean colour, which is not a whole"):
        check_uint8_fits("detect", RECORD, {})
    check_uint8_fits("detect", {**RECORD, "resize": "stretch", "pad_multiple": 1}, {})
    # Gray 114, as many detectors pad.
    gray = {"mean": [0.0] * 3, "std": [1.0] * 3, "pad_value": 114 / 255}
    check_uint8_fits("detect", {**RECORD, **gray}, {})
    with pytest.raises(InputError, match="take float32 only"):
        check_uint8_fits("segment", RECORD, {"windows": {"size": [1, 1]}})


def test_a_model_that_pads_is_refused_before_it_is_checked(mask: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"`GraphOptions\.input_dtype=uint8`: the model pads"):
        export(mask, tmp_path / "bundle", labels=LABELS, graph=GraphOptions(input_dtype="uint8"))
    assert not (tmp_path / "bundle").exists()
