"""`edgecv wrap --inspect`: what it says of networks whose form is known, and its manifests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import edgecv_runtime
from edgecv.cli.main import main
from edgecv_export import wrap
from edgecv_export.bundle.graph_record import tensor_record
from edgecv_export.wrapping.anchor_guess import (
    anchor_record,
    fitting_levels,
    levels_of,
    stored_arrays,
)
from edgecv_export.wrapping.inspect_onnx import inspect_onnx
from edgecv_runtime import InputError
from helpers.constant_network import ANCHORS, CXCYWH, LOGITS, SCALE, SIDES, XYXY, network

RNG = np.random.default_rng(4)
IMAGE = np.zeros((*SIDES, 3), np.uint8)


def loaded(tmp_path: Path, model: Path) -> Any:
    """The bundle that the manifest to begin with gives as it is."""
    file = tmp_path / "skeleton.json"
    file.write_text(json.dumps(inspect_onnx(model).manifest))
    return edgecv_runtime.load(wrap(model, file, tmp_path / "bundle", overwrite=True))


@pytest.mark.parametrize(
    ("last", "function"), [("Identity", "softmax"), ("Softmax", "none"), ("Sigmoid", "none")]
)
@pytest.mark.parametrize(
    ("boxes", "encoding", "normalized"),
    [
        (XYXY, "xyxy", False),
        (XYXY / SCALE, "xyxy", True),
        (CXCYWH, "cxcywh", False),
        (CXCYWH / SCALE, "cxcywh", True),
    ],
)
def test_finished_boxes(
    boxes: np.ndarray, encoding: str, normalized: bool, last: str, function: str, tmp_path: Path
) -> None:
    model = network(tmp_path / "m.onnx", {"scores": LOGITS, "boxes": boxes}, last)
    found = inspect_onnx(model)
    assert found.manifest is not None
    post = found.manifest["postprocess"]
    background = "none" if last == "Sigmoid" else "first"
    assert post["scores"] == {"output": "scores", "function": function, "background": background}
    assert post["boxes"] == {"output": "boxes", "encoding": encoding, "normalized": normalized}
    assert found.convention == f"a detector, {ANCHORS} boxes with 3 scores, {encoding}"
    model_ = loaded(tmp_path, model)
    assert len(model_.names) == (3 if background == "none" else 2)
    model_.thresholds = 0.01
    assert len(model_(IMAGE)) > 3
    assert all(
        np.abs(XYXY - box).max(1).min() < 0.01 for box in model_(IMAGE).boxes
    )  # each is one of the network's, in pixels


def test_corners_far_outside_are_corners(tmp_path: Path) -> None:
    """An untrained network's boxes reach beyond its input."""
    far = 6 * XYXY - 150
    found = inspect_onnx(network(tmp_path / "m.onnx", {"scores": LOGITS, "boxes": far}))
    assert found.manifest is not None
    assert found.manifest["postprocess"]["boxes"]["encoding"] == "xyxy"


def heads(path: Path, cells: list[tuple[int, int]], per_cell: int, columns: int) -> Path:
    """A real SSD in small: convolutions over pooled images, turned into rows and joined."""
    nodes: list[Any] = []
    weights: list[Any] = []
    parts: dict[str, list[str]] = {"loc": [], "conf": []}
    for i, (h, w) in enumerate(cells):
        stride = (SIDES[0] // h, SIDES[1] // w)
        nodes.append(
            helper.make_node(
                "AveragePool", ["images"], [f"map{i}"], kernel_shape=stride, strides=stride
            )
        )
        for kind, width in (("loc", 4), ("conf", columns)):
            kernel = RNG.normal(0, 1, (per_cell * width, 3, 1, 1)).astype(np.float32)
            if kind == "conf":
                kernel[::columns] += 3  # the background
            weights.append(numpy_helper.from_array(kernel, f"{kind}{i}_weight"))
            shape = numpy_helper.from_array(np.array([1, -1, width]), f"{kind}{i}_shape")
            weights.append(shape)
            steps = [f"{kind}{i}_{step}" for step in ("conv", "turned", "rows")]
            nodes += [
                helper.make_node("Conv", [f"map{i}", f"{kind}{i}_weight"], [steps[0]]),
                helper.make_node("Transpose", [steps[0]], [steps[1]], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [steps[1], f"{kind}{i}_shape"], [steps[2]]),
            ]
            parts[kind].append(steps[2])
    nodes += [helper.make_node("Concat", rows, [kind], axis=1) for kind, rows in parts.items()]
    count = sum(h * w * per_cell for h, w in cells)
    outputs = [
        helper.make_tensor_value_info("conf", TensorProto.FLOAT, [1, count, columns]),
        helper.make_tensor_value_info("loc", TensorProto.FLOAT, [1, count, 4]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *SIDES])
    graph = helper.make_graph(nodes, "ssd", [images], outputs, weights)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def test_offsets_lead_to_the_feature_maps(tmp_path: Path) -> None:
    """4 columns wide like boxes: 3 classes and the background."""
    cells = [(6, 8), (3, 4), (1, 1)]
    found = inspect_onnx(heads(tmp_path / "ssd.onnx", cells, 6, 4))
    assert found.manifest is not None
    post = found.manifest["postprocess"]
    assert post["boxes"]["output"] == "loc" and post["boxes"]["encoding"] == "deltas"
    assert post["scores"] == {"output": "conf", "function": "softmax", "background": "first"}
    anchors = post["anchors"]
    assert anchors["feature_sizes"] == [[6, 8], [3, 4], [1, 1]]
    assert anchors["aspect_ratios"] == [[2.0, 3.0]] * 3
    assert any("6x8 x 6, 3x4 x 6, 1x1 x 6" in note for note in found.notes)
    assert loaded(tmp_path, tmp_path / "ssd.onnx").names == ["class_0", "class_1", "class_2"]
    loaded(tmp_path, heads(tmp_path / "odd.onnx", cells, 5, 3))  # a multibox prior has five


def test_stored_anchors_are_found(tmp_path: Path) -> None:
    deltas = RNG.normal(0, 0.3, (ANCHORS, 4)).astype(np.float32)
    arrays = {"scores": LOGITS, "boxes": deltas}
    model = network(tmp_path / "m.onnx", arrays, priors=(CXCYWH / SCALE).astype(np.float32))
    found = inspect_onnx(model)
    assert found.manifest is not None
    assert found.manifest["postprocess"]["anchors"] == {
        "kind": "file", "initializer": "priors", "encoding": "cxcywh", "normalized": True
    }  # fmt: skip
    loaded(tmp_path, model)


def test_counts_of_known_pyramids() -> None:
    def text(count: int, size: int) -> list[str]:
        return [", ".join(map(str, each)) for each in fitting_levels(count, size, size)]

    ssd300 = "38x38 x 4, 19x19 x 6, 10x10 x 6, 5x5 x 6, 3x3 x 4, 1x1 x 4"
    assert ssd300 in text(8732, 300)
    assert "20x20 x 6, 10x10 x 6, 5x5 x 6, 3x3 x 6, 2x2 x 6, 1x1 x 6" in text(3234, 320)
    assert "80x80 x 1, 40x40 x 1, 20x20 x 1" in text(8400, 640)
    assert text(8401, 640) == []
    record = anchor_record(next(f for f in fitting_levels(8732, 300, 300) if f[0].per_cell == 4))
    assert record is not None
    assert record["aspect_ratios"] == [[2.0], [2.0, 3.0], [2.0, 3.0], [2.0, 3.0], [2.0], [2.0]]
    assert levels_of([(1, 16, 3, 3)], 36) is not None and levels_of([(1, 16, 3, 3)], 35) is None


@pytest.mark.parametrize(
    ("arrays", "last", "convention", "scores"),
    [
        ({"scores": LOGITS[0]}, "Identity", "a classifier, 3 scores", "softmax"),
        ({"scores": LOGITS[0]}, "Softmax", "a classifier, 3 scores", "none"),
        ({"scores": LOGITS[0, :1]}, "Identity", "a classifier, 1 score", "sigmoid"),
        (
            {"scores": RNG.normal(0, 2, (4, 6, 8))}, "Identity",
            "a segmentation network, 4 scores a pixel", "softmax",
        ),
        (
            {"scores": RNG.normal(0, 2, (1, 6, 8))}, "Sigmoid",
            "a segmentation network, 1 score a pixel", "none",
        ),
    ],
)  # fmt: skip
def test_classes_and_pixels(
    arrays: Any, last: str, convention: str, scores: str, tmp_path: Path
) -> None:
    model = network(tmp_path / "m.onnx", arrays, last)
    found = inspect_onnx(model)
    assert found.convention == convention and found.manifest is not None
    assert found.manifest["postprocess"]["scores"] == {"output": "scores", "function": scores}
    loaded(tmp_path, model)(IMAGE)


@pytest.mark.parametrize(
    ("arrays", "note"),
    [
        ({"output0": np.zeros((84, 63), np.float32)}, "in one tensor, as YOLO does"),
        (
            {"boxes": XYXY, "labels": LOGITS[:, 0], "confidence": LOGITS[:, 1]},
            "look like finished detections",
        ),
    ],
)
def test_what_is_none_of_these(arrays: Any, note: str, tmp_path: Path) -> None:
    found = inspect_onnx(network(tmp_path / "m.onnx", arrays))
    assert found.convention is None and found.manifest is None
    assert any(note in each for each in found.notes)
    assert "looks like: nothing that edgecv wrap takes" in found.text()


def test_doubles_are_named_as_what_does_not_fit(tmp_path: Path) -> None:
    path = network(tmp_path / "m.onnx", {"boxes": XYXY, "scores": LOGITS})
    model = onnx.load(path)
    model.graph.node[0].CopyFrom(
        helper.make_node("Cast", ["boxes_value"], ["boxes"], to=TensorProto.DOUBLE)
    )
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    onnx.save(model, path)
    found = inspect_onnx(path)
    assert found.convention is None and found.manifest is None
    assert found.notes[0] == "boxes is float64: expected float32; convert it before the export"


def test_the_command(tmp_path: Path, capsys: Any) -> None:
    model = network(tmp_path / "m.onnx", {"scores": LOGITS, "boxes": XYXY})
    graph = onnx.load(model)
    graph.metadata_props.add(key="names", value="{0: 'cat', 1: 'dog'}")
    onnx.save(graph, model)
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), IMAGE)
    words = ["wrap", str(model), "--inspect", "--images", str(tmp_path / "images")]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "input   images  float32 [1, 3, 48, 64]" in text
    assert f"output  boxes  float32 [1, {ANCHORS}, 4]  {XYXY.min():.4g}..{XYXY.max():.4g}" in text
    assert json.loads(text[text.index("\n{") :])["labels"] == ["cat", "dog"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"][1]["shape"] == [1, ANCHORS, 4]
    manifest = str(tmp_path / "manifest.json")
    assert main([*words, "--manifest", manifest]) == 0
    assert main(["wrap", str(model), "--manifest", manifest, "--out", str(tmp_path / "out")]) == 0
    assert edgecv_runtime.load(tmp_path / "out").names == ["cat", "dog"]
    capsys.readouterr()
    for more, message in (
        (["--manifest", manifest], "is there already: give another file"),
        (["--out", "x"], "--inspect does not make a bundle"),
    ):
        assert main([*words, *more]) == 2
        assert message in capsys.readouterr().err
    assert main(["wrap", str(model), "--out", "x"]) == 2
    assert "--manifest is missing: edgecv wrap MODEL" in capsys.readouterr().err


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no")
    with pytest.raises(InputError, match="is not a valid ONNX model"):
        inspect_onnx(tmp_path / "m.onnx")


def test_types_that_onnx_does_not_know_are_one_line(tmp_path: Path) -> None:
    """Of an input: refused. Of a constant: it is not taken for anchors."""
    path = heads(tmp_path / "odd.onnx", [(4, 4)], 1, 4)
    model = onnx.load(path)
    constant = helper.make_node("Constant", [], ["odd"], "odd", value=TensorProto(dims=[3, 4]))
    constant.attribute[0].t.data_type = 112
    model.graph.node.append(constant)
    assert "odd" not in stored_arrays(model)
    model.graph.input[0].type.tensor_type.elem_type = 112
    onnx.save(model, path)
    with pytest.raises(InputError, match=r"of type 112: expected one of|not a valid ONNX model"):
        inspect_onnx(path)
    with pytest.raises(InputError, match="says that 'images' is of type 112"):
        tensor_record(model.graph.input[0])
