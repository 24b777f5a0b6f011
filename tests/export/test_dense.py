"""RetinaNet and FCOS: the cut, and the whole runtime against torchvision."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator

import edgecv_runtime
from edgecv_export import GraphOptions, export
from edgecv_export.graphs.cut import CutRequest
from edgecv_export.graphs.families import cut_model
from edgecv_export.parity.comparison import Comparison, Tolerance
from edgecv_export.parity.dense import DenseForward, decided, verify_dense
from edgecv_export.parity.detected import Detected
from edgecv_export.parity.replay import compare_with_replays
from edgecv_runtime import EngineError, InputError
from helpers import small_dense as parts
from helpers.all_scores import load_all_scores
from helpers.altered_graph import with_altered_weights
from helpers.parity_report import read_report
from helpers.varied_detections import varied_detector

LABELS = ["ant", "bee", "cow", "dog"]
MARGINS = {"make_retinanet": 8.0, "make_fcos": 6.0}


@pytest.fixture(scope="module", params=sorted(MARGINS))
def detector(request: Any, images: list[np.ndarray]) -> Any:
    return varied_detector(
        getattr(parts, request.param), images, background_margin=MARGINS[request.param]
    )


@pytest.fixture(scope="module")
def bundle(detector: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(detector, tmp_path_factory.mktemp("dense") / "bundle", labels=LABELS).folder


def torchvision_results(detector: Any, image: np.ndarray) -> dict[str, np.ndarray]:
    """The detector's own results, with the logits of its class 0 out of the way. Boxes without
    area, which the runtime does not report, do not count towards its limit."""

    def silence(_: nn.Module, __: Any, outputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        logits = outputs["cls_logits"].clone()
        logits[..., 0] = -1e9
        return {**outputs, "cls_logits": logits}

    rgb = np.ascontiguousarray(image[:, :, ::-1])
    limit, detector.detections_per_img = detector.detections_per_img, 2**31
    hook = detector.head.register_forward_hook(silence)
    try:
        with torch.inference_mode():
            found = detector([torch.from_numpy(rgb).permute(2, 0, 1).float() / 255])[0]
    finally:
        hook.remove()
        detector.detections_per_img = limit
    boxes = found["boxes"]
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return {name: values[has_area][:limit].numpy() for name, values in found.items()}


def test_the_runtime_finds_what_torchvision_finds(
    detector: Any, bundle: Path, images: list[np.ndarray]
) -> None:
    model = load_all_scores(bundle)
    assert len({image.shape for image in images}) >= 6
    total = 0
    for image, result in zip(images, model(images), strict=True):
        expected = torchvision_results(detector, image)
        assert len(result.scores) == len(expected["scores"])
        total += len(result.scores)
        used = np.zeros(len(result.scores), bool)
        for box, score, label in zip(
            expected["boxes"], expected["scores"], expected["labels"], strict=True
        ):
            near = (
                (np.abs(result.boxes - box).max(axis=1) <= 0.5)
                & (np.abs(result.scores - score) <= 2e-3)
                & (result.labels == label - 1)
                & ~used
            )
            assert near.any()
            used[np.flatnonzero(near)[0]] = True
    assert total >= 50


def test_the_report_and_the_manifest_of_an_export(detector: Any, bundle: Path) -> None:
    report = read_report(bundle)
    assert report.passed and not report.degenerate and report.unmatched == 0
    assert report.raw["logits"].largest > 1 and report.raw["deltas"].largest > 1

    record = json.loads((bundle / "bundle.json").read_text())
    fcos = type(detector).__name__ == "FCOS"
    assert record["input"]["resize"] == "shortest_edge"
    assert (record["input"]["size"], record["input"]["max_size"]) == ([160, 160], 288)
    assert record["input"]["pad_multiple"] == 32
    post = record["postprocess"]
    assert post["method"] == ("fcos" if fcos else "retinanet")
    assert post["anchors"]["strides"] == [8, 16, 32, 64, 128]
    assert post["score_threshold"] == (0.2 if fcos else 0.1)
    assert post["topk_candidates"] == (200 if fcos else 150)
    (graph,) = record["graphs"]["main"]
    assert graph["inputs"][0]["shape"] == [None, 3, None, None]
    shapes = {output["name"]: output["shape"] for output in graph["outputs"]}
    # Five columns in the model, of which the first is no class.
    assert shapes == {
        "logits": [None, None, 4],
        "deltas": [None, None, 4],
        **({"centerness": [None, None, 1]} if fcos else {}),
    }


def test_one_image_and_a_batch_of_equal_sizes_give_the_same(
    bundle: Path, images: list[np.ndarray]
) -> None:
    model = load_all_scores(bundle)
    alone = model(images[0])
    for result in model([images[0], images[0][:, ::-1].copy(), images[0]])[::2]:
        np.testing.assert_allclose(result.boxes, alone.boxes, atol=0.01)
        np.testing.assert_allclose(result.scores, alone.scores, atol=1e-4)
        np.testing.assert_array_equal(result.labels, alone.labels)


def test_thresholds_for_a_class(bundle: Path, images: list[np.ndarray]) -> None:
    model = load_all_scores(bundle)
    before = model(images[3])
    assert len(set(before.labels.tolist())) > 1
    model.thresholds = {LABELS[before.labels[0]]: 1.0}
    after = model(images[3])
    assert before.labels[0] not in after.labels
    assert len(after.scores) > 0


def test_another_network_fails(
    detector: Any, bundle: Path, images: list[np.ndarray], tmp_path: Path
) -> None:
    folder = with_altered_weights(bundle, "main", tmp_path / "out")
    cut: Any = cut_model(detector)
    report = verify_dense(cut, folder, images[:2], Tolerance(), lambda: None)
    assert report.excepted == 0 and not report.passed
    assert "raw logits differ by" in report.failure()


def test_equal_scores_are_decided_both_ways(images: list[np.ndarray]) -> None:
    """Scores of 1 by the hundred: which of them top k and suppression take is chance, and explains
    other detections; it does not explain boxes that are nowhere."""
    cut: Any = cut_model(varied_detector(parts.make_retinanet, images, class_std=10.0))
    own = DenseForward(cut, images[0])
    decide = functools.partial(decided, cut, images[0], own.features, own.outputs)
    again = decide(None)
    np.testing.assert_array_equal(again.boxes, own.detected.boxes)
    assert (own.detected.scores == 1).sum() > 50

    def compared(found: Detected) -> Comparison:
        size = images[0].shape
        return compare_with_replays(size, own.detected, found, decide, Tolerance())[0]

    assert compared(again).excepted == compared(again).unmatched == 0
    logits, deltas = own.outputs
    random = np.random.default_rng(0).random(logits.shape, np.float32)
    shuffled = np.where(logits > 14, 14 + 3 * random, logits)
    other = decided(cut, images[0], own.features, [shuffled, deltas], None)
    chance = compared(other)
    assert chance.excepted > 10 and chance.unmatched == 0
    moved = Detected(other.boxes + np.float32([3, 0, 3, 0]), other.scores, other.labels)
    assert compared(moved).unmatched == len(moved.boxes)


def test_a_fixed_size_is_a_letterbox(images: list[np.ndarray], tmp_path: Path) -> None:
    detector = varied_detector(parts.make_retinanet, images, background_margin=8.0)
    folder = export(
        detector, tmp_path / "out", labels=LABELS, graph=GraphOptions(size=(160, 256), batch=1)
    ).folder
    report = read_report(folder)
    assert report.passed and report.detections > 30
    record = json.loads((folder / "bundle.json").read_text())
    assert (record["input"]["resize"], record["input"]["align"]) == ("letterbox", "top_left")
    (graph,) = record["graphs"]["main"]
    assert graph["inputs"][0]["shape"] == [1, 3, 160, 256]
    anchors = 9 * (20 * 32 + 10 * 16 + 5 * 8 + 3 * 4 + 2 * 2)
    assert [output["shape"] for output in graph["outputs"]] == [[1, anchors, 4]] * 2
    operators = {node.op_type for node in onnx.load(folder / "main.onnx").graph.node}
    assert not operators & {"NonZero", "TopK", "NonMaxSuppression"}


def test_labels_for_every_column_keep_every_column() -> None:
    module = parts.make_retinanet(num_classes=3)
    dropped, kept = (cut_model(module, CutRequest(labels=count)) for count in (2, 3))
    assert (dropped.classes, kept.classes) == (2, 3)
    assert cut_model(module).classes == 2
    images = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        own = module.eval().head(list(module.backbone(images).values()))["cls_logits"]
        torch.testing.assert_close(dropped.network(images)[0], own[..., 1:])
        torch.testing.assert_close(kept.network(images)[0], own)


def test_the_module_is_left_as_it_is() -> None:
    module = parts.make_fcos().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    cut_model(module, CutRequest(size=(160, 256)))
    assert module.training and module.transform.min_size == (160,)
    assert before.keys() == module.state_dict().keys()
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


class _OtherGenerator(AnchorGenerator):
    pass


def _move_cell(module: Any) -> None:
    module.anchor_generator.cell_anchors[2] += 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m, "transform", nn.Identity()), "transform Identity"),
        (lambda m: setattr(m, "box_coder", nn.Identity()), "box_coder Identity"),
        (
            lambda m: setattr(m, "anchor_generator", _OtherGenerator(((8,),), ((1.0,),))),
            "anchor_generator _OtherGenerator",
        ),
        (
            lambda m: setattr(m, "anchor_generator", AnchorGenerator(((8,),), ((1.0,),))),
            "the backbone gives 5 feature maps",
        ),
        (
            lambda m: setattr(m, "anchor_generator", AnchorGenerator(((8,),) * 5, ((1.0,),) * 5)),
            r"cls_logits has shape \[1, \d+, 5\]; expected \[1, \d+, 5\] for the \d+ anchors",
        ),
        (_move_cell, "cell_anchors are not what"),
    ],
)
def test_what_cannot_be_recorded_is_refused(change: Any, message: str) -> None:
    module = parts.make_retinanet()
    change(module)
    with pytest.raises(InputError, match=message):
        cut_model(module)


def test_a_size_must_be_a_multiple_of_the_padding() -> None:
    with pytest.raises(InputError, match="size 100x96: expected height and width as multiples"):
        cut_model(parts.make_retinanet(), CutRequest(size=(100, 96)))


def test_an_outcome_that_is_no_number_is_an_error(bundle: Path, tmp_path: Path) -> None:
    """As after a cast to a precision that is too small."""
    from hashlib import sha256

    model = onnx.load(bundle / "main.onnx")
    for tensor in model.graph.initializer:
        if tensor.name.endswith("cls_logits.bias"):
            values = np.full(tuple(tensor.dims), np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
            break
    else:
        pytest.fail("no bias of the logits in the graph")
    record = json.loads((bundle / "bundle.json").read_text())
    content = model.SerializeToString()
    record["graphs"]["main"][0]["sha256"] = sha256(content).hexdigest()
    (tmp_path / "main.onnx").write_bytes(content)
    (tmp_path / "bundle.json").write_text(json.dumps(record))
    with pytest.raises(EngineError, match='output "logits" of the network holds NaN'):
        edgecv_runtime.load(tmp_path)(np.zeros((40, 60, 3), np.uint8))
