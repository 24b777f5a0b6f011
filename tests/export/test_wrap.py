"""Bundles around ONNX files made by hand, with outputs that are known exactly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv_export import wrap
from edgecv_runtime import BundleError, InputError
from helpers.all_scores import load_all_scores

# Network input 8 x 16, image 80 x 160: a pixel there is 10 here.
IMAGE = np.full((80, 160, 3), 100, np.uint8)
BOXES = np.array([[1, 1, 5, 5], [8, 2, 12, 6], [1, 1, 5, 5.5]], np.float32)
# The third overlaps the first with IoU 16 / 18 and is of its class.
PROBABILITIES = np.array([[0.9, 0.04], [0.1, 0.8], [0.7, 0.1]], np.float32)
EXPECTED_BOXES = [[10, 10, 50, 50], [80, 20, 120, 60]]
EXPECTED_SCORES = [0.9, 0.8]
EXPECTED_LABELS = [0, 1]


def write_onnx(
    path: Path,
    scores: np.ndarray,
    boxes: np.ndarray,
    *,
    declared: bool = True,
    inputs: int = 1,
    side: int | None = 8,
) -> Path:
    """A network of one image that always gives the same two arrays, [A, C] and [A, 4]."""
    arrays = {"scores": scores[None], "boxes": boxes[None]}
    nodes = [helper.make_node("Identity", [f"{n}_value"], [n], name=n) for n in arrays]
    values = [numpy_helper.from_array(a, f"{n}_value") for n, a in arrays.items()]
    outputs = [
        helper.make_tensor_value_info(
            name,
            helper.np_dtype_to_tensor_dtype(array.dtype),
            array.shape if declared else [None] * array.ndim,
        )
        for name, array in arrays.items()
    ]
    images = [
        helper.make_tensor_value_info(f"image{i}", TensorProto.FLOAT, [1, 3, side, 16])
        for i in range(inputs)
    ]
    return save(path, nodes, images, outputs, values)


def save(path: Path, nodes: Any, inputs: Any, outputs: Any, values: Any = ()) -> Path:
    graph = helper.make_graph(nodes, "made_by_hand", inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def manifest(**postprocess: Any) -> dict[str, Any]:
    return {
        "labels": ["cat", "dog"],
        "input": {
            "color": "rgb",
            "size": [8, 16],
            "resize": "stretch",
            "scale": 1 / 255,
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
        },
        "postprocess": {
            "scores": {"output": "scores", "function": "none", "background": "none"},
            "boxes": {"output": "boxes", "encoding": "xyxy", "normalized": False},
            "score_threshold": 0.5,
            "iou_threshold": 0.5,
            "topk_candidates": 10,
            "max_detections": 10,
            **postprocess,
        },
    }


def run_wrapped(folder: Path, record: dict[str, Any], model: Path) -> Any:
    file = folder / "manifest.json"
    file.write_text(json.dumps(record))
    return load_all_scores(wrap(model, file, folder / "out"))(IMAGE)


def assert_expected(result: Any) -> None:
    np.testing.assert_allclose(result.boxes, EXPECTED_BOXES, atol=1e-3)
    np.testing.assert_allclose(result.scores, EXPECTED_SCORES, atol=1e-6)
    assert result.labels.tolist() == EXPECTED_LABELS
    assert result.names == ["cat", "dog"]


SIDES = np.array([16, 8, 16, 8], np.float32)


def to_xywh(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])


def to_cxcywh(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])


@pytest.mark.parametrize(
    ("encoding", "normalized", "boxes"),
    [
        ("xyxy", False, BOXES),
        ("xyxy", True, BOXES / SIDES),
        ("xywh", False, to_xywh(BOXES)),
        ("xywh", True, to_xywh(BOXES / SIDES)),
        ("cxcywh", False, to_cxcywh(BOXES)),
        ("cxcywh", True, to_cxcywh(BOXES / SIDES)),
    ],
)
def test_finished_boxes(encoding: str, normalized: bool, boxes: np.ndarray, tmp_path: Path) -> None:
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, boxes)
    record = manifest(boxes={"output": "boxes", "encoding": encoding, "normalized": normalized})
    assert_expected(run_wrapped(tmp_path, record, model))


REST = 1 - PROBABILITIES.sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("function", "background", "scores"),
    [
        ("none", "none", PROBABILITIES),
        ("none", "first", np.hstack([REST, PROBABILITIES])),
        ("none", "last", np.hstack([PROBABILITIES, REST])),
        ("sigmoid", "none", np.log(PROBABILITIES / (1 - PROBABILITIES))),
        ("sigmoid", "last", np.hstack([np.log(PROBABILITIES / (1 - PROBABILITIES)), REST])),
        ("softmax", "first", np.log(np.hstack([REST, PROBABILITIES])) + 3),
        ("softmax", "last", np.log(np.hstack([PROBABILITIES, REST])) - 2),
    ],
)
def test_scores(function: str, background: str, scores: np.ndarray, tmp_path: Path) -> None:
    model = write_onnx(tmp_path / "m.onnx", scores.astype(np.float32), BOXES)
    record = manifest(scores={"output": "scores", "function": function, "background": background})
    assert_expected(run_wrapped(tmp_path, record, model))


def test_softmax_without_background(tmp_path: Path) -> None:
    scores = np.log(np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], np.float32))
    model = write_onnx(tmp_path / "m.onnx", scores, BOXES)
    record = manifest(scores={"output": "scores", "function": "softmax", "background": "none"})
    assert_expected(run_wrapped(tmp_path, record, model))


def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    """The bundle is called as it, with a replacement for what is no UTF-8."""
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    (tmp_path / "m.json").write_text(
        json.dumps(manifest(boxes={"output": "boxes", "encoding": "xyxy", "normalized": False}))
    )
    bundle = wrap(model, tmp_path / "m.json", tmp_path / os.fsdecode(b"caf\xe9"))
    loaded = load_all_scores(bundle)
    assert loaded.manifest.name == "caf\ufffd"
    assert_expected(loaded(IMAGE))


@pytest.mark.parametrize("normalized", [False, True])
def test_deltas_on_anchors_from_a_file(normalized: bool, tmp_path: Path) -> None:
    # Anchors of side 4, one pixel left of and above the boxes.
    anchors = np.array([[0, 0, 4, 4], [7, 1, 11, 5], [0, 0, 4, 4]], np.float64)
    deltas = np.full((3, 4), 0, np.float32)
    deltas[:, :2] = np.array([10, 5]) * 1 / 4  # weight * shift / side
    deltas[2, 3] = 2 * np.log(4.5 / 4)
    deltas[2, 1] = 5 * 1.25 / 4
    (tmp_path / "extra").mkdir()
    np.save(tmp_path / "extra" / "a.npy", anchors / SIDES if normalized else anchors)
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, deltas)
    record = manifest(
        boxes={"output": "boxes", "encoding": "deltas", "weights": [10, 5, 2, 2]},
        anchors={"kind": "file", "file": "extra/a.npy", "normalized": normalized},
    )
    assert_expected(run_wrapped(tmp_path, record, model))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "anchors.npy", "bundle.json", "model.onnx",
    ]  # fmt: skip
    assert np.load(tmp_path / "out" / "anchors.npy").dtype == np.float32


@pytest.mark.parametrize(
    ("anchors", "expected"),
    [
        # Squares of 0.5 of the height around the middle of 8 x 16.
        (
            {
                "kind": "multibox_prior", "feature_sizes": [[1, 1]], "scales": [[0.5, 0.25]],
                "ratios": [[1]], "pixel_ratios": True,
            },
            [[60, 20, 100, 60], [70, 30, 90, 50]],
        ),
        # Half of either side, and the same again for the scale between 0.5 and 0.5.
        (
            {
                "kind": "default_boxes", "feature_sizes": [[1, 1]], "aspect_ratios": [[]],
                "scales": [0.5, 0.125], "steps": None, "clip": True,
            },
            [[40, 20, 120, 60], [60, 30, 100, 50]],
        ),
    ],
)  # fmt: skip
def test_deltas_on_anchors_from_parameters(
    anchors: dict[str, Any], expected: list[list[float]], tmp_path: Path
) -> None:
    scores = np.array([[0.9, 0], [0, 0.8]], np.float32)
    model = write_onnx(tmp_path / "m.onnx", scores, np.zeros((2, 4), np.float32))
    record = manifest(
        boxes={"output": "boxes", "encoding": "deltas", "weights": [10, 10, 5, 5]}, anchors=anchors
    )
    result = run_wrapped(tmp_path, record, model)
    np.testing.assert_allclose(result.boxes, expected, atol=1e-3)
    assert result.labels.tolist() == [0, 1]


def test_own_scale_mean_and_order_of_channels(tmp_path: Path) -> None:
    """The score is the first channel's mean: blue, (100 * 0.01 - 0.2) / 2 = 0.4 and 0.75."""
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 8, 16])
    outputs = [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1, 1]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", 1, 4]),
    ]
    values = [
        numpy_helper.from_array(np.array([0], np.int64), "zero"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
        numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"),
        numpy_helper.from_array(np.array([0, 1, 1], np.int64), "shape"),
        numpy_helper.from_array(np.array([0, 0, 0.5, 1], np.float32), "box"),
        numpy_helper.from_array(np.array(0, np.float32), "nothing"),
    ]
    nodes = [
        helper.make_node("Slice", ["images", "zero", "one", "one"], ["blue"]),
        helper.make_node("ReduceMean", ["blue"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["scores"]),
        helper.make_node("Mul", ["scores", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "box"], ["boxes"]),
    ]
    values = [v for v in values if v.name != "axes"]
    model = save(tmp_path / "m.onnx", nodes, [image], outputs, values)
    record = manifest(
        boxes={"output": "boxes", "encoding": "xyxy", "normalized": True}, score_threshold=0.1
    )
    record["labels"] = ["blue"]
    record["input"] |= {"color": "bgr", "scale": 0.01, "mean": [0.2, 9, 9], "std": [2, 1, 1]}
    (tmp_path / "manifest.json").write_text(json.dumps(record))
    detector = load_all_scores(wrap(model, tmp_path / "manifest.json", tmp_path / "out"))
    bluer = IMAGE.copy()
    bluer[:, :, 0] = 170
    first, second = detector([IMAGE, bluer])
    np.testing.assert_allclose([first.scores[0], second.scores[0]], [0.4, 0.75], atol=1e-5)
    np.testing.assert_allclose(second.boxes, [[0, 0, 80, 80]], atol=1e-3)


def test_what_may_be_left_out_is_filled_in(tmp_path: Path) -> None:
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    run_wrapped(tmp_path, manifest(), model)
    record = json.loads((tmp_path / "out" / "bundle.json").read_text())
    assert (record["schema"], record["task"]) == (3, "detect")
    assert (record["name"], record["architecture"]) == ("out", "m")
    assert record["graphs"]["main"][0]["outputs"][0] == {
        "name": "scores", "dtype": "float32", "shape": [1, 3, 2],
    }  # fmt: skip
    assert record["graphs"]["main"][0]["precision"] == "fp32"
    assert record["provenance"]["wrapped"]["file"] == "m.onnx"
    assert (tmp_path / "out" / "model.onnx").read_bytes() == model.read_bytes()


def test_an_exported_bundle_wraps_to_itself(small_bundle: Path, tmp_path: Path) -> None:
    wrapped = wrap(small_bundle / "main.onnx", small_bundle / "bundle.json", tmp_path / "again")
    first, second = (
        json.loads((folder / "bundle.json").read_text()) for folder in (small_bundle, wrapped)
    )
    second["graphs"]["main"][0]["file"] = "main.onnx"
    assert first == second


def broken(**changes: Any) -> dict[str, Any]:
    record = manifest()
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = record
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return record


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("record", "arrays", "message"),
    [
        (broken(postprocess__scores__output="probs"), {}, "probs"),
        (broken(labels=["cat"]), {}, r"scores.*\[1, 3, 2\]|labels|columns|classes"),
        (broken(), {"boxes": BOXES[:2]}, r"boxes|scores"),
        (broken(), {"boxes": np.hstack([BOXES, BOXES])}, r"\[(1|\?), (3|\?), 8\]"),
        (broken(input__size=[8, 32]), {}, r"8, 32"),
        (broken(input__layout="nhwc"), {}, r"16, 3\]"),
        (broken(input__color="gray", input__mean=[0], input__std=[1]), {}, r"1, 8, 16\]"),
        (
            broken(
                postprocess__boxes={"output": "boxes", "encoding": "deltas", "weights": [1] * 4},
                postprocess__anchors={
                    "kind": "multibox_prior", "feature_sizes": [[1, 1]], "scales": [[0.5, 0.25]],
                    "ratios": [[1]], "pixel_ratios": True,
                },
            ),
            {},
            r"anchors",
        ),
        (broken(), {"scores": PROBABILITIES * 5}, r"lies in 0\.2\.\.4\.5.*use 'softmax' or"),
        (broken(), {"boxes": BOXES * np.nan}, "'boxes' holds NaN or infinity"),
        (broken(), {"scores": PROBABILITIES.astype(np.float64)}, "float64"),
        (broken(postprocess__iou=0.5), {}, "iou"),
        (broken(input__mean=None), {}, "mean"),
        (broken(postprocess__score_threshold=None), {}, "score_threshold"),
        (broken(postprocess__scores__function="tanh"), {}, "tanh"),
        (broken(postprocess="ssd"), {}, "postprocess"),
        (broken(schema=99), {}, "schema 99"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(
    record: dict[str, Any],
    arrays: dict[str, np.ndarray],
    message: str,
    declared: bool,
    tmp_path: Path,
) -> None:
    values = {"scores": PROBABILITIES, "boxes": BOXES} | arrays
    model = write_onnx(tmp_path / "m.onnx", **values, declared=declared)
    with pytest.raises((InputError, BundleError), match=message) as caught:
        run_wrapped(tmp_path, record, model)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(("manifest.json", "m.onnx"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "manifest.json"]


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        (None, r"a\.npy: cannot be read: No such file or directory; expected an \.npy file"),
        (np.zeros((3, 5)), r"array of shape \[3, 5\]; expected anchors \[A, 4\]"),
        (np.array([["x"] * 4]), "expected finite numbers"),
        (np.array([[{}] * 4], dtype=object), r"a\.npy: damaged \(Object arrays"),
        (np.full((3, 4), np.inf), "expected finite numbers"),
        (np.zeros((5, 4)), "anchors"),
    ],
)
def test_anchor_files_that_do_not_fit(
    anchors: np.ndarray | None, message: str, tmp_path: Path
) -> None:
    if anchors is not None:
        np.save(tmp_path / "a.npy", anchors, allow_pickle=True)
    record = manifest(
        boxes={"output": "boxes", "encoding": "deltas", "weights": [10, 10, 5, 5]},
        anchors={"kind": "file", "file": "a.npy", "normalized": False},
    )
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    with pytest.raises((InputError, BundleError), match=message):
        run_wrapped(tmp_path, record, model)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("digest", [5, ["a"]])
def test_a_digest_that_is_no_text_is_one_line(digest: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4), np.float32))
    record = manifest(
        boxes={"output": "boxes", "encoding": "deltas", "weights": [10, 10, 5, 5]},
        anchors={"kind": "file", "file": "a.npy", "normalized": False, "sha256": digest},
    )
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    with pytest.raises(
        InputError, match=r"anchors\.sha256: expected 64 hex digits, got (5|\['a'\])"
    ):
        run_wrapped(tmp_path, record, model)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest()))
    with pytest.raises(InputError, match=r"gone\.onnx: no such file"):
        wrap(tmp_path / "gone.onnx", file, tmp_path / "out")
    with pytest.raises(InputError, match=r"manifest\.json is not a valid ONNX model"):
        wrap(file, file, tmp_path / "out")
    with pytest.raises(InputError, match=r"m\.onnx: holds zero bytes; expected text"):
        wrap(model, model, tmp_path / "out")
    with pytest.raises(InputError, match=r"gone\.json: cannot be read"):
        wrap(model, tmp_path / "gone.json", tmp_path / "out")
    file.write_text("[]")
    with pytest.raises(InputError, match="expected a JSON object"):
        wrap(model, file, tmp_path / "out")
    file.write_text(json.dumps(manifest())[:-1] + ', "name": "a", "name": "b"}')
    with pytest.raises(InputError, match=r"manifest\.json: .*the key 'name' is there twice"):
        wrap(model, file, tmp_path / "out")


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES, inputs=2)
    with pytest.raises(InputError, match=r"takes 2 inputs \(image0, image1\); expected one"):
        run_wrapped(tmp_path, manifest(), model)


def test_weights_in_a_side_file_move_inside(tmp_path: Path) -> None:
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    loaded = onnx.load(model)
    onnx.save(loaded, model, save_as_external_data=True, location="side.bin", size_threshold=0)
    assert (tmp_path / "side.bin").stat().st_size > 0
    assert_expected(run_wrapped(tmp_path, manifest(), model))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["bundle.json", "model.onnx"]


@pytest.mark.parametrize("name", ["m.onnx", "side.bin"])
def test_a_model_larger_than_memory_is_not_read(name: str, tmp_path: Path) -> None:
    model = write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    loaded = onnx.load(model)
    onnx.save(loaded, model, save_as_external_data=True, location="side.bin", size_threshold=0)
    with (tmp_path / name).open("r+b") as file:
        file.truncate(1 << 40)  # takes no place on the disk
    with pytest.raises(InputError, match=r"m\.onnx: 2 GB or more with its side files"):
        run_wrapped(tmp_path, manifest(), model)


# Finders are asked before the paths, so this hides an installed torch.
WITHOUT_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Block())
from edgecv.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_command_needs_no_torch(tmp_path: Path) -> None:
    write_onnx(tmp_path / "m.onnx", PROBABILITIES, BOXES)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest()))
    command = ["wrap", "m.onnx", "--manifest", "manifest.json", "--out", "out"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, *command, *more],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    done = run()
    assert (done.returncode, done.stdout) == (0, "bundle written to out\n"), done.stderr
    assert_expected(load_all_scores(tmp_path / "out")(IMAGE))
    again = run()
    assert again.returncode == 2
    assert again.stderr == (
        "edgecv: error: out holds a bundle already: give --overwrite to replace it\n"
    )
    assert run("--overwrite", "--json").stdout == '{"bundle": "out"}\n'
