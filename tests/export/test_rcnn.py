"""Two-stage bundles against torchvision's own forward pass, with an oracle of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.ops import MultiScaleRoIAlign, box_iou

import edgecv_runtime
from edgecv.models.parts.roi_pool import SingleScaleRoIPool
from edgecv_export import ExportError, GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_export.graphs.cut import CutRequest
from edgecv_export.graphs.families import cut_model
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.detected import Detected
from edgecv_export.parity.detection_report import DetectionReport
from edgecv_export.parity.rcnn import compare_masks, verify_rcnn
from edgecv_export.parity.rcnn_replay import SecondStage
from edgecv_export.parity.replay import Preference
from edgecv_runtime import InputError
from helpers import small_rcnn as parts
from helpers.all_scores import load_all_scores
from helpers.altered_graph import with_altered_weights
from helpers.parity_report import read_report
from helpers.varied_rcnn import varied_rcnn

BOX_TOLERANCE_1080P = 0.5
SCORE_TOLERANCE = 2e-3
MASK_IOU = 0.99
LABELS = ["ant", "bee", "cow", "dog"]


@pytest.fixture(scope="module")
def shapes() -> list[np.ndarray]:
    """Twelve images, no two of one shape; the last is long, narrow and small."""
    images = generate_images(8, seed=1)
    images += [p[: p.shape[0] * 2 // 3, : p.shape[1] - 31] for p in images[:3]]
    images.append(images[0][100:128, :600])
    assert len({p.shape for p in images}) == 12
    return [np.ascontiguousarray(p) for p in images]


@pytest.fixture(scope="module")
def faster(images: list[np.ndarray]) -> Any:
    return varied_rcnn(parts.make_faster, images, size=96)


def in_torch(module: Any, image: np.ndarray) -> dict[str, torch.Tensor]:
    tensor = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1) / 255
    with torch.inference_mode():
        found: dict[str, torch.Tensor] = module([tensor])[0]
    return found


def assert_same(expected: dict[str, torch.Tensor], result: Any, image: np.ndarray) -> int:
    """Each detection of either side has its own partner on the other; returns how many."""
    boxes, scores = torch.from_numpy(result.boxes.copy()), torch.from_numpy(result.scores.copy())
    labels = torch.from_numpy(result.labels.copy()) + 1
    assert len(boxes) == len(expected["boxes"])
    limit = BOX_TOLERANCE_1080P * max(image.shape[:2]) / 1920
    free = torch.ones(len(scores), dtype=torch.bool)
    masks = result.masks if "masks" in expected else None
    for i, box in enumerate(expected["boxes"]):
        fits = (
            free
            & (labels == expected["labels"][i])
            & ((scores - expected["scores"][i]).abs() <= SCORE_TOLERANCE)
            & ((boxes - box).abs().amax(1) <= limit)
        )
        assert fits.any(), f"no partner for {expected['labels'][i]} {box}"
        overlap = box_iou(box[None], boxes)[0].nan_to_num(nan=1.0)
        partner = int(torch.where(fits, overlap, -1).argmax())
        free[partner] = False
        if masks is not None:
            own = expected["masks"][i, 0].numpy() > 0.5
            other = masks[partner]
            union = np.count_nonzero(own | other)
            assert union == 0 or np.count_nonzero(own & other) / union >= MASK_IOU
    return len(boxes)


def test_mask_rcnn_finds_what_torchvision_finds(
    mask: Any, mask_bundle: Path, shapes: list[np.ndarray]
) -> None:
    runtime: Any = load_all_scores(mask_bundle, engine="onnxruntime", device="cpu")
    assert runtime.manifest.task == "instance"
    counts = [assert_same(in_torch(mask, p), runtime(p), p) for p in shapes]
    assert min(counts) >= 5
    report = read_report(mask_bundle)
    assert report.passed and not report.degenerate
    assert report.unmatched == 0
    assert report.masks >= 100
    assert report.mask_iou >= MASK_IOU


def test_the_manifest_says_what_the_object_is(mask_bundle: Path) -> None:
    manifest = edgecv_runtime.Bundle.open(str(mask_bundle)).manifest
    post = cut_model(parts.make_mask()).postprocess
    assert post["rpn"]["anchors"]["sizes"] == [[16, 24], [32, 40], [64, 90]]
    assert (post["rpn"]["pre_nms_top_n"], post["rpn"]["post_nms_top_n"]) == (60, 50)
    assert (post["rpn"]["iou_threshold"], post["rpn"]["score_threshold"]) == (0.65, 0.02)
    assert post["rpn"]["weights"] == [1, 1, 1, 1]
    assert post["roi"]["features"] == ["features_0", "features_1"]
    assert post["roi"]["levels"] == {
        "scales": [0.125, 0.0625],
        "canonical_scale": 40,
        "canonical_level": 3,
    }
    assert post["roi"]["weights"] == [9, 11, 4, 6]
    assert (post["roi"]["score_threshold"], post["roi"]["iou_threshold"]) == (0.07, 0.45)
    assert post["roi"]["max_detections"] == 40
    assert {role: [g.dialect for g in files] for role, files in manifest.graphs.items()} == {
        "trunk": ["onnx"],
        "roi": ["onnx", "tensorrt"],
        "mask": ["onnx", "tensorrt"],
    }
    roi = {graph.dialect: graph for graph in manifest.graphs["roi"]}
    assert [(t.name, t.shape) for t in roi["onnx"].inputs] == [
        ("features_0", (1, 16, -1, -1)),
        ("features_1", (1, 16, -1, -1)),
        ("boxes_0", (-1, 4)),
        ("boxes_1", (-1, 4)),
    ]
    assert [(t.name, t.dtype, t.shape) for t in roi["tensorrt"].inputs[2:]] == [
        ("boxes", "float32", (-1, 4)),
        ("levels", "int32", (-1,)),
    ]
    masks = {graph.dialect: graph for graph in manifest.graphs["mask"]}
    for graph in masks.values():
        assert (graph.inputs[-1].name, graph.inputs[-1].dtype) == ("labels", "int64")
        assert [t.shape for t in graph.outputs] == [(-1, 1, 14, 14)]


def test_both_dialects_give_the_same(mask: Any) -> None:
    cut: Any = cut_model(mask)
    generator = torch.Generator().manual_seed(3)
    features = [torch.randn(1, 16, side, side + 4, generator=generator) for side in (16, 8)]
    corners = 160 * torch.rand(30, 2, 2, generator=generator)
    boxes = torch.cat([corners.amin(1), corners.amax(1)], 1)
    levels = torch.arange(30, dtype=torch.int32) // 15
    labels = torch.randint(1, 5, (30,), generator=generator)
    split = [boxes[:15], boxes[15:]]
    with torch.inference_mode():
        for own, other in zip(
            cut.box_stage("onnx")(features, split),
            cut.box_stage("tensorrt")(features, [boxes, levels]),
            strict=True,
        ):
            torch.testing.assert_close(own, other, atol=1e-3, rtol=1e-4)
        own = cut.mask_stage("onnx")(features, split, labels)
        other = cut.mask_stage("tensorrt")(features, [boxes, levels], labels)
        torch.testing.assert_close(own, other, atol=1e-3, rtol=1e-4)
        # The masks are those of the labels.
        pooled = cut.mask_stage("onnx").pooler(features, split)
        heads = mask.roi_heads
        logits = heads.mask_predictor(heads.mask_head(pooled))
        torch.testing.assert_close(own[:, 0], logits[torch.arange(30), labels].sigmoid())


def test_one_feature_map_and_adaptive_sampling(images: list[np.ndarray], tmp_path: Path) -> None:
    module = varied_rcnn(
        lambda: parts.make_faster(sampling_ratio=0, backbone=parts.SingleBackbone),
        images,
        size=96,
    )
    with pytest.raises(InputError, match=r"adaptive.*`dialects="):
        export(module, tmp_path / "both", labels=LABELS)
    bundle = export(
        module, tmp_path / "bundle", labels=LABELS, graph=GraphOptions(dialects=["onnx"])
    ).folder
    runtime: Any = load_all_scores(bundle)
    assert [graph.dialect for graph in runtime.manifest.graphs["roi"]] == ["onnx"]
    for image in images:
        assert assert_same(in_torch(module, image), runtime(image), image) >= 5


def test_a_fixed_size_letterboxes(faster: Any, images: list[np.ndarray], tmp_path: Path) -> None:
    bundle = export(
        faster, tmp_path / "fixed", labels=LABELS, graph=GraphOptions(size=(96, 160))
    ).folder
    runtime: Any = load_all_scores(bundle)
    assert runtime.manifest.graphs["trunk"][0].inputs[0].shape == (1, 3, 96, 160)
    assert runtime.manifest.graphs["roi"][0].inputs[0].shape == (1, 16, 12, 20)
    # An image of 96 x 160 is not resized by either, so torchvision's own transform tells.
    image = np.ascontiguousarray(images[0][:96, :160])
    assert assert_same(in_torch(faster, image), runtime(image), image) >= 5
    with pytest.raises(InputError, match=r"size 100x160: expected.*multiples of 32"):
        export(faster, tmp_path / "odd", labels=LABELS, graph=GraphOptions(size=(100, 160)))


def test_fast_rcnn_with_max_pooling_takes_the_callers_boxes(
    images: list[np.ndarray], tmp_path: Path
) -> None:
    def build() -> Any:
        module = parts.make_faster(backbone=parts.SingleBackbone)
        module.roi_heads.box_roi_pool = SingleScaleRoIPool("0", (5, 4), 1 / 16)
        return module

    module = varied_rcnn(build, images, size=96)
    bundle = export(
        module,
        tmp_path / "fast",
        labels=LABELS,
        graph=GraphOptions(proposals="caller", dialects=["onnx"]),
    ).folder
    runtime: Any = load_all_scores(bundle)
    outputs = [t.name for t in runtime.manifest.graphs["trunk"][0].outputs]
    assert outputs == ["features_0"]
    image = np.ascontiguousarray(images[0][:96, :160])  # not resized
    corners = np.random.default_rng(0).uniform(0, 1, (80, 2, 2)) * (160, 96)
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1).astype(np.float32)

    class Given(torch.nn.Module):
        def forward(self, images: Any, features: Any, targets: Any) -> Any:
            return [torch.from_numpy(boxes)], {}

    module.rpn = Given()
    assert assert_same(in_torch(module, image), runtime(image, proposals=boxes), image) >= 5


class TwoHeaded(MultiScaleRoIAlign):
    pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m.roi_heads, "keypoint_head", torch.nn.Identity()), "keypoints"),
        (
            lambda m: setattr(m.roi_heads, "box_roi_pool", TwoHeaded(["fine"], 7, 2)),
            "roi_heads.box_roi_pool TwoHeaded: expected torchvision's MultiScaleRoIAlign",
        ),
        (
            lambda m: setattr(m.roi_heads.box_roi_pool, "featmap_names", ["p3", "p4"]),
            "takes the feature maps p3, p4; the backbone gives fine, middle, coarse",
        ),
        (
            lambda m: setattr(m.roi_heads.mask_roi_pool, "featmap_names", ["fine"]),
            "mask_roi_pool takes other feature maps",
        ),
        (
            lambda m: setattr(m.rpn.anchor_generator, "sizes", ((8,), (16,))),
            "anchor_generator has sizes for 2 feature maps.*the backbone gives 3",
        ),
        (
            lambda m: m.rpn.anchor_generator.cell_anchors[1].add_(1),
            "cell_anchors are not what its sizes and aspect_ratios give",
        ),
        (
            lambda m: setattr(m.roi_heads.box_predictor, "bbox_pred", torch.nn.Linear(24, 4)),
            r"deltas of shape \[2, 4\] for 2 boxes and 5 classes; expected \[2, 20\]",
        ),
    ],
    ids=["keypoints", "pooler", "names", "mask levels", "anchor levels", "anchors", "agnostic"],
)
def test_what_cannot_be_recorded(change: Callable[[Any], Any], message: str) -> None:
    module = parts.make_mask()
    change(module)
    with pytest.raises(InputError, match=message):
        cut_model(module)


def test_more_than_one_image_at_once_is_refused(faster: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batch is 2; a two-stage detector takes images one by"):
        export(faster, tmp_path / "out", labels=LABELS, graph=GraphOptions(batch=2))


def test_a_model_that_does_more_than_its_attributes_say(mask: Any, tmp_path: Path) -> None:
    heads = mask.roi_heads

    class Halving(type(heads)):  # type: ignore[misc]
        def postprocess_detections(self, *args: Any) -> Any:
            boxes, scores, labels = super().postprocess_detections(*args)
            return [each / 2 for each in boxes], scores, labels

    heads.__class__, original = Halving, type(heads)
    try:
        with pytest.raises(ExportError, match="does not give the model's results"):
            export(mask, tmp_path / "out", labels=LABELS)
    finally:
        heads.__class__ = original
    assert list(tmp_path.iterdir()) == []


def test_a_report_of_masks_that_differ_is_plain_json() -> None:
    """Within the tolerance: NumPy's numbers and booleans must not get into the manifest."""
    probabilities = torch.zeros(1, 1, 20, 20)
    probabilities[..., :19, :] = 0.9
    found = np.zeros((1, 20, 20), np.bool_)
    found[:, :19] = True
    found[0, 0, 0] = False
    report = DetectionReport(pictures=1)
    compare_masks(report, probabilities, found, [(0, 0)])
    report.conclude(np.array([0.3, 0.9], np.float32))
    assert (report.mask_iou, report.passed) == (379 / 380, True)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


@pytest.mark.parametrize(
    ("role", "what"),
    [("trunk", "raw objectness differ"), ("roi", "raw logits differ"), ("mask", "masks overlap")],
)
def test_another_network_fails(
    role: str, what: str, mask: Any, mask_bundle: Path, images: list[np.ndarray], tmp_path: Path
) -> None:
    folder = with_altered_weights(mask_bundle, role, tmp_path / "out", factor=1.5)
    report = verify_rcnn(cut_model(mask), folder, images[:2], Tolerance())
    assert report.excepted == 0 and not report.passed
    assert what in report.failure()


def test_proposals_of_a_one_stage_detector(small_detector: Any) -> None:
    with pytest.raises(InputError, match="SSD takes no proposals"):
        cut_model(small_detector, CutRequest(proposals="caller"))


def test_equal_scores_are_decided_as_preferred(faster: Any) -> None:
    """Which of two overlapping boxes with one score goes is chance: each is seen to go. A score
    that is really lower stays lower."""
    boxes = torch.tensor([[10.0, 10, 50, 50], [12, 10, 52, 50], [14, 10, 54, 50], [60, 60, 90, 90]])
    logits = torch.tensor([[0.0, 30, 0, 0, 0]]).repeat(4, 1)
    logits[2, 1] = 10
    stage = SecondStage(faster, boxes, logits, torch.zeros(4, 20), (96, 96), (96, 96))
    nothing = Detected(boxes[:0].numpy(), np.zeros(0, np.float32), np.zeros(0, np.int64))

    def kept(*wanted: int) -> list[float]:
        some = list(wanted)
        scores = logits.softmax(dim=1)[some, 1].numpy()
        found = Detected(boxes[some].numpy(), scores, np.zeros(len(some), np.int64))
        decided = stage.decide(Preference(found, nothing, box=0.1, score=1e-3))
        return sorted(decided["boxes"][:, 0].tolist())

    assert sorted(stage.decide()["boxes"][:, 0].tolist()) == [10, 60]
    assert kept(1) == kept(1, 3) == [12, 60]
    assert kept(0) == kept(2) == [10, 60]


def test_objectness_of_1_by_the_hundred(images: list[np.ndarray], tmp_path: Path) -> None:
    """Which of the boxes with that score become proposals is chance in torch, too: beyond 1000
    candidates it sorts them by an unstable sort."""
    module = varied_rcnn(parts.make_faster, images, size=96)
    module.rpn._pre_nms_top_n["testing"] = 1000
    with torch.inference_mode():
        for parameter in module.rpn.head.cls_logits.parameters():
            parameter *= 100
    report = read_report(export(module, tmp_path / "out", labels=LABELS).folder)
    assert report.excepted > 10
    assert report.unmatched == 0
    assert report.passed and not report.degenerate


def test_proposals_of_one_score_are_degenerate(images: list[np.ndarray], tmp_path: Path) -> None:
    """An untrained proposal network scores all boxes alike, and rounding decides which of them
    become detections. The second stage tells classes apart."""
    module = varied_rcnn(parts.make_faster, images, size=96)
    with torch.inference_mode():
        module.rpn.head.cls_logits.weight *= 1e-9
        module.rpn.head.cls_logits.bias *= 0
    report = read_report(export(module, tmp_path / "out", labels=LABELS).folder)
    assert report.passed and report.degenerate
    assert report.detections > 0


def test_what_was_taken_from_unlike_proposals_has_to_agree() -> None:
    report = DetectionReport()
    report.unmatched = 1
    report.conclude(np.array([0.2, 0.9]))
    assert not report.passed and not report.degenerate
    report.conclude(np.array([0.2, 0.9]), proposals_alike=True)
    assert report.passed and report.degenerate
