"""Values that would load and give nonsense are refused; what overflows at run time is an error."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import edgecv
from edgecv_runtime._core import Bundle, BundleError, EngineError, Manifest

GOLDEN = Path(__file__).parents[1] / "golden"


def manifest(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN / name / "bundle.json").read_text())


def put(*keys: Any) -> Callable[[dict[str, Any], float], None]:
    def change(record: Any, value: float) -> None:
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("bundle", "keys", "values", "expected"),
    [
        ("bundle_v1", ("postprocess", "anchors", "scales", 0, 0), [3e38, 1e-30], "in 1e-6..1e6"),
        ("bundle_v1", ("postprocess", "boxes", "weights", 0), [1e-30, 1e30], "in 1e-6..1e6"),
        ("bundle_v1", ("postprocess", "boxes", "max_log_scale"), [61, 1e30], "at most 60"),
        ("bundle_v1", ("input", "scale"), [1e30, 1e-30, -1e30], "1e-6..1e6, or -1e6..-1e-6"),
        ("bundle_v1", ("input", "std", 0), [1e-30, 1e30], "1e-6..1e6"),
        ("bundle_v1", ("input", "mean", 0), [1e30, -1e30], "-1e6..1e6"),
        ("bundle_v1", ("input", "pad_value"), [1e30, -1e30], "-1e6..1e6"),
        (
            "bundle_v1_rcnn",
            ("postprocess", "rpn", "anchors", "sizes", 0, 0),
            [3e38],
            "in 1e-6..1e6",
        ),
        ("bundle_v2_style", ("postprocess", "picture", "scale"), [1e30, 1e-30], "-1e6..1e6"),
    ],
)
def test_a_value_out_of_range_names_its_key(
    bundle: str, keys: tuple[Any, ...], values: list[float], expected: str
) -> None:
    record = manifest(bundle)
    Manifest.from_json(json.dumps(record))
    for value in values:
        put(*keys)(record, value)
        with pytest.raises(BundleError) as refusal:
            Manifest.from_json(json.dumps(record))
        message = str(refusal.value)
        assert message.startswith("bundle.json: " + keys[0] + "." + str(keys[1]))
        assert expected in message


def test_anchors_of_a_file_are_at_most_a_million(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(GOLDEN / "bundle_v1_anchor_file", folder)
    anchors = np.load(folder / "anchors.npy")
    anchors[3, 2] = 1e38
    np.save(folder / "anchors.npy", anchors)
    record = json.loads((folder / "bundle.json").read_text())
    digest = hashlib.sha256((folder / "anchors.npy").read_bytes()).hexdigest()
    record["postprocess"]["anchors"]["sha256"] = digest
    (folder / "bundle.json").write_text(json.dumps(record))
    with pytest.raises(BundleError, match=r"anchors\.npy has a value beyond 1e6 in box 3"):
        Bundle.open(folder).anchors()


def test_boxes_that_overflow_when_they_are_decoded_are_an_error(tmp_path: Path) -> None:
    """The outputs are finite; their product with an anchor's width is not."""
    folder = tmp_path / "bundle"
    shutil.copytree(GOLDEN / "bundle_v1", folder)
    image = np.full((40, 60, 3), 255, np.uint8)
    record = json.loads((folder / "bundle.json").read_text())
    deltas = record["postprocess"]["boxes"]["output"]
    model = onnx.load(folder / "main.onnx")
    node = next(n for n in model.graph.node if deltas in n.output)
    node.output[list(node.output).index(deltas)] = "small"
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0), "zero"))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(3e38), "huge"))
    model.graph.node.append(onnx.helper.make_node("Mul", ["small", "zero"], ["none"], "none"))
    model.graph.node.append(onnx.helper.make_node("Add", ["none", "huge"], [deltas], "all"))
    content = model.SerializeToString()
    (folder / "main.onnx").write_bytes(content)
    record["graphs"]["main"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(record))
    with pytest.raises(EngineError, match="gives boxes that are not finite"):
        model = edgecv.load(folder, engine="onnxruntime")
        model.thresholds = 0.0
        model(image)
