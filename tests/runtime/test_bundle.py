"""The manifest and the bundle as Python sees them. Their rules are tested in tests/cpp."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

import edgecv_runtime
from edgecv_runtime import Bundle, BundleError, Manifest, TensorSpec
from edgecv_runtime._core import (
    AnchorFile,
    ClassifySpec,
    DefaultBoxes,
    MultiboxPrior,
    RcnnSpec,
    SegmentSpec,
)

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "golden" / "bundle_v1"
GOLDEN_ANCHOR_FILE = REPOSITORY / "tests" / "golden" / "bundle_v1_anchor_file"
GOLDEN_RCNN = REPOSITORY / "tests" / "golden" / "bundle_v1_rcnn"
GOLDEN_CLASSIFY = REPOSITORY / "tests" / "golden" / "bundle_v2_classify"
GOLDEN_SEGMENT = REPOSITORY / "tests" / "golden" / "bundle_v2_segment"


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "bundle"))


def example_of_the_documentation() -> str:
    text = (REPOSITORY / "docs" / "bundle.md").read_text(encoding="utf-8")
    match = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert match is not None
    return match[1]


def test_the_documented_example_is_what_edgecv_writes() -> None:
    example = example_of_the_documentation()
    assert json.loads(Manifest.from_json(example).to_json()) == json.loads(example)


def test_a_manifest_is_written_as_it_was_read() -> None:
    text = (REPOSITORY / "samples" / "data" / "cells.bundle" / "bundle.json").read_text()
    assert Manifest.from_json(text).to_json() == text


def test_the_documented_two_stage_example_is_the_golden_one() -> None:
    section = (REPOSITORY / "docs" / "bundle.md").read_text(encoding="utf-8")
    section = section.split('`"method": "rcnn"`', 1)[1]
    example = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert example is not None
    golden = json.loads((GOLDEN_RCNN / "bundle.json").read_text())
    assert json.loads(example[1]) == golden["postprocess"]


def test_the_documentation_names_every_key_of_the_golden_manifests() -> None:
    text = (REPOSITORY / "docs" / "bundle.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for source in (
        example_of_the_documentation(),
        (GOLDEN / "bundle.json").read_text(),
        (GOLDEN_ANCHOR_FILE / "bundle.json").read_text(),
        (GOLDEN_RCNN / "bundle.json").read_text(),
        (GOLDEN_CLASSIFY / "bundle.json").read_text(),
        (GOLDEN_SEGMENT / "bundle.json").read_text(),
    ):
        for key in re.findall(r'"(\w+)":', source.split('"provenance"')[0]):
            assert re.search(rf"\b{key}\b", prose), key


def test_fields_of_the_golden_classifier() -> None:
    manifest = Bundle.open(GOLDEN_CLASSIFY).manifest
    assert (manifest.schema, manifest.task) == (2, "classify")
    post = manifest.postprocess
    assert isinstance(post, ClassifySpec)
    assert (post.scores_output, post.score_function, post.topk) == ("logits", "softmax", 2)


def test_fields_of_the_golden_segmenter() -> None:
    manifest = Bundle.open(GOLDEN_SEGMENT).manifest
    assert (manifest.schema, manifest.task) == (2, "segment")
    post = manifest.postprocess
    assert isinstance(post, SegmentSpec)
    assert (post.scores_output, post.score_function) == ("logits", "softmax")
    windows = post.windows
    assert windows is not None
    assert (windows.size, windows.overlap) == ((16, 24), 0.25)
    assert (windows.weight, windows.batch) == ("gaussian", 4)


def test_fields_of_the_golden_manifest() -> None:
    manifest = Bundle.open(GOLDEN).manifest
    assert (manifest.schema, manifest.name, manifest.task) == (1, "golden", "detect")
    assert manifest.architecture == "tiny_ssd"
    assert manifest.labels == ["cat", "dog"]
    assert manifest.input.size == (16, 24)
    assert manifest.input.color == "rgb"
    assert manifest.input.layout == "nchw"

    (graph,) = manifest.graphs["main"]
    assert (graph.file, graph.precision, graph.dialect) == ("main.onnx", "fp32", "onnx")
    (images,) = graph.inputs
    assert (images.name, images.dtype, images.shape) == ("images", "float32", (-1, 3, 16, 24))
    assert [output.shape for output in graph.outputs] == [(-1, 20, 3), (-1, 20, 4)]

    post = manifest.postprocess
    assert (post.scores_output, post.score_function, post.background) == (
        "logits",
        "softmax",
        "first",
    )
    assert (post.boxes_output, post.boxes_are_deltas, post.boxes_normalized) == (
        "deltas",
        True,
        False,
    )
    assert post.weights == (10, 10, 5, 5)
    assert post.max_log_scale == np.float32(np.log(1000 / 16))
    assert post.score_threshold == np.float32(0.01)
    assert (post.iou_threshold, post.topk_candidates, post.max_detections) == (0.45, 400, 200)
    assert isinstance(post.anchors, MultiboxPrior)
    assert post.anchors.feature_sizes == [(2, 2), (1, 1)]
    assert manifest.provenance == '{"made_by":"tests/golden/make_bundle_v1.py","seed":1}'


def test_each_kind_of_anchors_has_its_record() -> None:
    record = json.loads((GOLDEN_ANCHOR_FILE / "bundle.json").read_text())
    record["postprocess"]["anchors"] = {
        "kind": "default_boxes",
        "feature_sizes": [[38, 38], [19, 19], [10, 10], [5, 5], [3, 3], [1, 1]],
        "aspect_ratios": [[2.0], [2.0, 3.0], [2.0, 3.0], [2.0, 3.0], [2.0], [2.0]],
        "scales": [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
        "steps": [8.0, 16.0, 32.0, 64.0, 100.0, 300.0],
        "clip": True,
    }
    for output in record["graphs"]["main"][0]["outputs"]:
        output["shape"][1] = 8732  # the anchors of SSD300
    default_boxes = Manifest.from_json(json.dumps(record)).postprocess.anchors
    assert isinstance(default_boxes, DefaultBoxes)
    assert default_boxes.scales == [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]
    assert default_boxes.steps == [8, 16, 32, 64, 100, 300]
    assert default_boxes.clip is True

    stored = Bundle.open(GOLDEN_ANCHOR_FILE).manifest.postprocess.anchors
    assert isinstance(stored, AnchorFile)
    assert (stored.file, stored.normalized) == ("anchors.npy", True)

    text = (GOLDEN_ANCHOR_FILE / "bundle.json").read_text()
    finished = re.sub(r'"anchors": \{.*?\}', '"anchors": null', text, flags=re.DOTALL)
    finished = finished.replace('"encoding": "deltas"', '"encoding": "xywh"')
    post = Manifest.from_json(finished).postprocess
    assert post.anchors is None
    assert (post.boxes_are_deltas, post.box_format) == (False, "xywh")


def test_records_cannot_be_changed() -> None:
    manifest = Bundle.open(GOLDEN).manifest
    with pytest.raises(AttributeError):
        manifest.name = "other"
    with pytest.raises(AttributeError):
        manifest.postprocess.score_threshold = 0.5


def test_parts_outlive_the_bundle_they_came_from() -> None:
    graph = Bundle.open(GOLDEN).manifest.graphs["main"][0]
    outputs = Bundle.open(GOLDEN).graph("main", "fp32", "onnx").outputs
    assert graph.inputs[0].name == "images"
    assert outputs[1].name == "deltas"


def test_a_fault_is_a_bundle_error_that_names_folder_and_key(bundle_copy: Path) -> None:
    manifest = bundle_copy / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"color"', '"colour"'))
    with pytest.raises(BundleError) as caught:
        Bundle.open(bundle_copy)
    assert str(caught.value) == (
        f"{bundle_copy}/bundle.json: input.colour: unknown key; expected one of color, size, "
        "resize, max_size, align, crop, interpolation, antialias, scale, mean, std, pad_value, "
        "pad_multiple, dtype, layout"
    )
    assert isinstance(caught.value, edgecv_runtime.Error)


@pytest.mark.parametrize("key", ["k\x9b31m", "k\x85", "k\u2028", "k\x1b", "k\x7f"])
def test_a_key_that_steers_a_terminal_is_no_part_of_the_message(
    bundle_copy: Path, key: str
) -> None:
    manifest = bundle_copy / "bundle.json"
    record = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**record, key: 1}))
    with pytest.raises(BundleError) as caught:
        Bundle.open(bundle_copy)
    shown = "k?31m" if key.endswith("31m") else "k?"
    assert str(caught.value).startswith(f"{bundle_copy}/bundle.json: {shown}: unknown key; ")


def test_a_folder_whose_name_is_no_text(bundle_copy: Path) -> None:
    folder = bundle_copy.parent / os.fsdecode(b"caf\xe9")
    bundle_copy.rename(folder)
    bundle = Bundle.open(folder)
    assert bundle.folder == str(folder)
    graph = bundle.manifest.graphs["main"][0]
    assert bundle.verified_path(graph.file, graph.sha256) == str(folder / graph.file)
    file = bundle.verified_file(graph.file, graph.sha256)
    assert str(file) == str(folder / graph.file)
    (folder / graph.file).write_bytes(b"x")
    with pytest.raises(BundleError, match=re.escape(f"{folder}/")):
        bundle.verified_path(graph.file, graph.sha256)


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_verified_path_agrees_with_hashlib(bundle_copy: Path, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    (bundle_copy / "other.bin").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    bundle = Bundle.open(bundle_copy)
    assert Path(bundle.verified_path("other.bin", digest)) == bundle_copy / "other.bin"
    (bundle_copy / "other.bin").write_bytes(content + b"x")
    with pytest.raises(BundleError, match=f"{digest}.*export or copy it again"):
        bundle.verified_path("other.bin", digest)


def test_verified_path_lets_other_threads_run(bundle_copy: Path) -> None:
    with open(bundle_copy / "large.bin", "wb") as file:
        file.truncate(400_000_000)
    bundle = Bundle.open(bundle_copy)
    turns = 0
    done = threading.Event()

    def count_milliseconds() -> None:
        nonlocal turns
        while not done.wait(0.001):
            turns += 1

    thread = threading.Thread(target=count_milliseconds)
    thread.start()
    before = turns
    try:
        with pytest.raises(BundleError, match="differs from bundle"):
            bundle.verified_path("large.bin", "0" * 64)
        during = turns - before
    finally:
        done.set()
        thread.join()
    assert during >= 10


def test_anchors_are_float32_boxes() -> None:
    generated = Bundle.open(GOLDEN).anchors()
    stored = Bundle.open(GOLDEN_ANCHOR_FILE).anchors()
    assert (generated.dtype, generated.shape) == (np.float32, (20, 4))
    in_unit_square = np.load(GOLDEN_ANCHOR_FILE / "anchors.npy")
    np.testing.assert_array_equal(stored, in_unit_square * np.float32([24, 16, 24, 16]))
    np.testing.assert_allclose(generated, stored, atol=1e-5)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_files_as_numpy_writes_them(tmp_path: Path, version: tuple[int, int]) -> None:
    folder = Path(shutil.copytree(GOLDEN_ANCHOR_FILE, tmp_path / "bundle"))
    boxes = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    old = hashlib.sha256((folder / "anchors.npy").read_bytes()).hexdigest()
    with open(folder / "anchors.npy", "wb") as file:
        np.lib.format.write_array(file, boxes, version=version)
    new = hashlib.sha256((folder / "anchors.npy").read_bytes()).hexdigest()
    manifest = (folder / "bundle.json").read_text().replace(old, new)
    (folder / "bundle.json").write_text(
        manifest.replace('"normalized": true', '"normalized": false')
    )
    np.testing.assert_array_equal(Bundle.open(folder).anchors(), boxes)


def test_tensor_spec_takes_a_known_dtype_only() -> None:
    spec = TensorSpec("images", "uint8", [-1, 3, 32, 32])
    assert (spec.name, spec.dtype, spec.shape) == ("images", "uint8", (-1, 3, 32, 32))
    with pytest.raises(edgecv_runtime.InputError, match=r'dtype: expected one of .* got "float64"'):
        TensorSpec("images", "float64", [1])


def test_a_two_stage_manifest_has_its_record() -> None:
    post = Bundle.open(GOLDEN_RCNN).manifest.postprocess
    assert isinstance(post, RcnnSpec)
    assert post.rpn is not None and post.mask is not None
    assert post.rpn.objectness_outputs == ["objectness_0", "objectness_1"]
    assert post.rpn.anchors.sizes == [[16], [32]]
    assert (post.rpn.pre_nms_top_n, post.rpn.post_nms_top_n) == (60, 40)
    assert post.rpn.weights == (1, 1, 1, 1)
    assert post.features == ["features_0", "features_1"]
    assert post.levels.scales == [0.125, 0.0625]
    assert (post.box_head.logits_output, post.box_head.max_detections) == ("logits", 20)
    assert post.box_head.weights == (10, 10, 5, 5)
    assert (post.mask.output, post.mask.threshold) == ("masks", 0.5)
    assert len(Bundle.open(GOLDEN_RCNN).anchors()) == 0
