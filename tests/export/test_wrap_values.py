"""What a manifest says and the values contradict is refused with what to write instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgecv_runtime
from edgecv_export import wrap
from edgecv_runtime import InputError
from helpers.constant_network import ANCHORS, CXCYWH, LOGITS, SCALE, SIDES, XYWH, XYXY, network

RNG = np.random.default_rng(1)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def record(**changes: Any) -> dict[str, Any]:
    post = {
        "scores": {"output": "scores", "function": "softmax", "background": "first"},
        "boxes": {"output": "boxes", "encoding": "xyxy", "normalized": False},
        "score_threshold": 0.01, "iou_threshold": 0.5, "topk_candidates": 10, "max_detections": 10,
    }  # fmt: skip
    for key, value in changes.items():
        post[key] = {**post[key], **value} if isinstance(post.get(key), dict) else value
    return {"labels": ["cat", "dog"], "input": INPUT, "postprocess": post}


INPUT = {
    "color": "rgb", "size": list(SIDES), "resize": "stretch", "scale": 1 / 255, "mean": [0, 0, 0],
    "std": [1, 1, 1],
}  # fmt: skip


def wrapped(tmp_path: Path, model: Path, manifest: dict[str, Any], **options: Any) -> Any:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest))
    wrap(model, file, tmp_path / "out", overwrite=True, **options)
    return edgecv_runtime.load(tmp_path / "out")


def test_what_fits_is_taken(tmp_path: Path) -> None:
    model = network(tmp_path / "m.onnx", {"scores": LOGITS, "boxes": XYXY})
    wrapped(tmp_path, model, record())
    for encoding, boxes in (("cxcywh", CXCYWH), ("xywh", XYWH)):
        model = network(tmp_path / "m.onnx", {"scores": LOGITS, "boxes": boxes})
        wrapped(tmp_path, model, record(boxes={"encoding": encoding}))
        model = network(tmp_path / "m.onnx", {"scores": LOGITS, "boxes": boxes / SCALE})
        wrapped(tmp_path, model, record(boxes={"encoding": encoding, "normalized": True}))
    last = LOGITS[:, [1, 2, 0]]
    model = network(tmp_path / "m.onnx", {"scores": last, "boxes": XYXY}, "Softmax")
    wrapped(tmp_path, model, record(scores={"function": "none", "background": "last"}))


@pytest.mark.parametrize(
    ("scores", "last", "changes", "message"),
    [
        (
            softmax(LOGITS),
            "Identity",
            {},
            r"holds probabilities already \(it lies in .* adds up to",
        ),
        (LOGITS, "Softmax", {}, 'a softmax would be applied twice: write "function": "none"'),
        (LOGITS, "Sigmoid", {"scores": {"function": "sigmoid"}}, "comes out of a sigmoid"),
        (LOGITS, "Sigmoid", {}, "comes out of a sigmoid"),
        (LOGITS, "Identity", {"scores": {"background": "last"}}, 'write "background": "first"'),
        (LOGITS[:, ::-1], "Identity", {}, 'write "background": "last" in postprocess.scores, not'),
    ],
)
def test_scores_that_are_something_else(
    scores: np.ndarray, last: str, changes: Any, message: str, tmp_path: Path
) -> None:
    model = network(tmp_path / "m.onnx", {"scores": scores.copy(), "boxes": XYXY}, last)
    with pytest.raises(InputError, match=message):
        wrapped(tmp_path, model, record(**changes))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("boxes", "says", "message"),
    [
        (XYXY / SCALE, {}, r'boxes are in 0..1, .* 64 x 48: write "normalized": true'),
        (CXCYWH / SCALE, {"encoding": "cxcywh"}, 'write "normalized": true'),
        (XYXY, {"normalized": True}, 'boxes are in pixels, .*: write "normalized": false'),
        (CXCYWH, {}, r"does not hold xyxy: x2 < x1 or y2 < y1 in \d+ % of them: write cxcywh or"),
        (CXCYWH / SCALE, {"normalized": True}, "write cxcywh or xywh"),
        (XYXY, {"encoding": "cxcywh"}, "as corners: write xyxy"),
        (XYXY / SCALE, {"encoding": "xywh", "normalized": True}, "as corners: write xyxy"),
    ],
)
def test_boxes_that_are_something_else(
    boxes: np.ndarray, says: Any, message: str, tmp_path: Path
) -> None:
    model = network(tmp_path / "m.onnx", {"scores": LOGITS, "boxes": boxes})
    with pytest.raises(InputError, match=message):
        wrapped(tmp_path, model, record(boxes=says))


@pytest.mark.parametrize("task", ["classify", "segment"])
@pytest.mark.parametrize("columns", [1, 3])
def test_classifiers_and_segmentation_networks(task: str, columns: int, tmp_path: Path) -> None:
    shape = (columns,) if task == "classify" else (columns, 12, 16)
    logits = RNG.normal(0, 2, shape).astype(np.float32)
    function = "sigmoid" if columns == 1 else "softmax"
    labels = ["no", "yes"] if columns == 1 else ["a", "b", "c"]
    post = {"method": task, "scores": {"output": "scores", "function": function}}
    if task == "classify":
        post["topk"] = 3
    manifest = {"labels": labels, "input": INPUT, "postprocess": post}
    model = network(tmp_path / "m.onnx", {"scores": logits})
    result = wrapped(tmp_path, model, manifest)(np.zeros((*SIDES, 3), np.uint8))
    if task == "classify":
        two = np.array([0, logits[0]]) if columns == 1 else logits
        np.testing.assert_allclose(result.probabilities, softmax(two), atol=1e-6)
    else:
        expected = (logits[0] > 0) if columns == 1 else logits.argmax(0)
        # The centre of a cell is between its middle pixels; inside the same sign all around.
        assert result.mask.shape == SIDES and set(np.unique(result.mask)) <= set(range(len(labels)))
        assert result.mask[0, 0] == expected[0, 0] and result.mask[-1, -1] == expected[-1, -1]
    inside = network(tmp_path / "p.onnx", {"scores": logits}, "Sigmoid")
    with pytest.raises(InputError, match=r'holds probabilities already .*"function": "none"'):
        wrapped(tmp_path, inside, manifest)
    post["scores"] = {"output": "scores", "function": "none"}
    with pytest.raises(InputError, match=r"the score function 'none' expects 0\.\.1"):
        wrapped(tmp_path, network(tmp_path / "m.onnx", {"scores": 3 * logits + 2}), manifest)


@pytest.mark.parametrize("encoding", ["xyxy", "cxcywh", "xywh"])
def test_anchors_are_read_from_the_file_s_own_weights(encoding: str, tmp_path: Path) -> None:
    """The same results as with anchors.npy."""
    anchors = {"xyxy": XYXY, "cxcywh": CXCYWH, "xywh": XYWH}[encoding].astype(np.float32)
    deltas = RNG.normal(0, 0.3, (ANCHORS, 4)).astype(np.float32)
    scores = RNG.normal(0, 2, (ANCHORS, 3)).astype(np.float32)
    model = network(tmp_path / "m.onnx", {"scores": scores, "boxes": deltas}, priors=anchors[None])
    np.save(tmp_path / "anchors.npy", XYXY)
    image = np.zeros((*SIDES, 3), np.uint8)
    results = []
    for source in ({"file": "anchors.npy"}, {"initializer": "priors", "encoding": encoding}):
        manifest = record(anchors={"kind": "file", "normalized": False, **source})
        manifest["postprocess"]["boxes"] = {
            "output": "boxes", "encoding": "deltas", "weights": [10, 10, 5, 5]
        }  # fmt: skip
        loaded = wrapped(tmp_path, model, manifest)
        loaded.thresholds = 0.01
        results.append(loaded(image))
    assert len(results[0]) > 3
    np.testing.assert_allclose(results[1].boxes, results[0].boxes, atol=1e-3)
    np.testing.assert_array_equal(results[1].scores, results[0].scores)
    manifest["postprocess"]["anchors"] = {
        "kind": "file", "normalized": False, "initializer": "none_such"
    }  # fmt: skip
    with pytest.raises(InputError, match=r"expected a weight of the ONNX file .* it has .*priors"):
        wrapped(tmp_path, model, manifest)
