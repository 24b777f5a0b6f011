"""Anchors, proposals and box head against torchvision's."""

import numpy as np
import pytest
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import (
    RegionProposalNetwork,
    RPNHead,
    concat_box_prediction_layers,
)
from torchvision.ops import boxes as torchvision_boxes
from torchvision.ops.poolers import LevelMapper

from edgecv import EngineError, InputError, ops
from edgecv_runtime import _core

SIZES = ((32,), (64,), (128,), (256,), (512,))
RATIOS = ((0.5, 1.0, 2.0),) * 5
STRIDES = (4, 8, 16, 32, 64)


@pytest.fixture(autouse=True)
def exact_batched_nms(monkeypatch):
    """torchvision's suppression without what is open in it: up to 1000 boxes are shifted by label,
    which rounds their coordinates, and more are ordered by a sort that is not stable."""

    def batched_nms(boxes, scores, labels, iou_threshold):
        kept = []
        for label in labels.unique():
            indices = (labels == label).nonzero()[:, 0]
            kept.append(
                indices[torchvision_boxes.nms(boxes[indices], scores[indices], iou_threshold)]
            )
        kept = torch.cat([*kept, torch.zeros(0, dtype=torch.int64)]).sort()[0]
        return kept[scores[kept].sort(descending=True, stable=True)[1]]

    monkeypatch.setattr(torchvision_boxes, "batched_nms", batched_nms)


@pytest.mark.parametrize(
    ("features", "image", "sizes", "ratios"),
    [
        ([(25, 40), (13, 20), (7, 10)], (200, 320), ((32,), (64,), (128,)), ((0.5, 1.0, 2.0),) * 3),
        ([(11, 15)], (171, 230), ((33, 65.5, 129),), ((0.3, 1.0, 1.7, 3.1),)),
        ([(3, 1), (2, 1), (1, 1)], (90, 20), ((5,), (7, 9), (11,)), ((1.0,), (0.5, 2.0), (3.0,))),
        ([(1, 1)], (3, 2), ((1,),), ((1.0,),)),
        ([(4, 4)], (3, 2), ((8,),), ((1.0,),)),  # more cells than pixels: all on one spot
    ],
)
def test_anchors_equal_torchvision(features, image, sizes, ratios):
    expected = AnchorGenerator(sizes, ratios)(
        ImageList(torch.zeros(1, 3, *image), [image]), [torch.zeros(1, 1, *f) for f in features]
    )[0]
    np.testing.assert_array_equal(ops.generate_anchors(features, image, sizes, ratios), expected)


def test_anchors_that_cannot_be():
    with pytest.raises(InputError, match="for each of the 2 feature maps, got 1 and 2"):
        ops.generate_anchors([(2, 2), (1, 1)], (8, 8), [[4]], [[1], [1]])
    with pytest.raises(InputError, match="all positive"):
        ops.generate_anchors([(2, 2)], (8, 8), [[4]], [[0]])
    with pytest.raises(InputError, match="feature_sizes: expected"):
        ops.generate_anchors([(2, 0)], (8, 8), [[4]], [[1]])


def rpn_outputs(rng, input_size, mean, levels=5):
    """Smooth logits, as neighbouring cells of a network's have, and small deltas. No logit comes
    twice in a level: torch.topk leaves their order open."""
    objectness, deltas = [], []
    for stride in STRIDES[:levels]:
        height, width = (-(-side // stride) for side in input_size)
        noise = rng.normal(size=(3, height + 2, width + 2))
        smooth = sum(noise[:, y : y + height, x : x + width] for y in range(3) for x in range(3))
        logits = np.empty(smooth.size, np.float32)
        logits[smooth.argsort(axis=None)] = np.linspace(mean - 9, mean + 9, smooth.size)
        objectness.append(logits.reshape(smooth.shape))
        deltas.append((rng.normal(size=(12, height, width)) * 0.4).astype(np.float32))
    return objectness, deltas


def torchvision_proposals(objectness, deltas, image_size, input_size, **settings):
    levels = len(objectness)
    generator = AnchorGenerator(SIZES[:levels], RATIOS[:levels])
    rpn = RegionProposalNetwork(
        generator,
        RPNHead(1, 3),
        0.7,
        0.3,
        256,
        0.5,
        {"training": 1, "testing": settings.get("pre_nms_top_n", 1000)},
        {"training": 1, "testing": settings.get("post_nms_top_n", 1000)},
        settings.get("nms_threshold", 0.7),
        settings.get("score_threshold", 0.0),
    ).eval()
    rpn.min_size = settings.get("min_size", rpn.min_size)
    logits = [torch.from_numpy(level)[None] for level in objectness]
    offsets = [torch.from_numpy(level)[None] for level in deltas]
    anchors = generator(ImageList(torch.zeros(1, 3, *input_size), [image_size]), logits)
    counts = [level.numel() for level in logits]
    flat, flat_offsets = concat_box_prediction_layers(logits, offsets)
    boxes = rpn.box_coder.decode(flat_offsets, anchors).view(1, -1, 4)
    boxes, scores = rpn.filter_proposals(boxes, flat, [image_size], counts)
    return boxes[0].numpy(), scores[0].numpy()


def check_proposals(objectness, deltas, image_size, input_size, **settings):
    levels = len(objectness)
    expected = torchvision_proposals(objectness, deltas, image_size, input_size, **settings)
    boxes, scores = _core.propose(
        objectness, deltas, image_size, input_size, SIZES[:levels], RATIOS[:levels], **settings
    )
    assert boxes.shape == expected[0].shape
    np.testing.assert_allclose(scores, expected[1], rtol=1e-6)
    np.testing.assert_allclose(boxes, expected[0], atol=1e-3)
    return len(boxes)


@pytest.mark.parametrize("mean", [-8.0, 0.0])
@pytest.mark.parametrize(
    ("image_size", "input_size"),
    [
        ((427, 640), (448, 640)),
        ((333, 201), (352, 224)),
        ((32, 320), (32, 320)),
        ((9, 5), (32, 32)),
    ],
)
def test_proposals_equal_torchvision(image_size, input_size, mean):
    rng = np.random.default_rng(image_size[0])
    assert check_proposals(*rpn_outputs(rng, input_size, mean), image_size, input_size) > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"pre_nms_top_n": 50, "post_nms_top_n": 30},
        {"pre_nms_top_n": 5000, "post_nms_top_n": 4000},
        {"pre_nms_top_n": 1, "post_nms_top_n": 1},
        {"score_threshold": 0.3, "nms_threshold": 0.4},
        {"score_threshold": 0.5, "nms_threshold": 0.0},
        {"min_size": 40.0},
    ],
    ids=str,
)
def test_proposals_under_other_settings(settings):
    outputs = rpn_outputs(np.random.default_rng(7), (320, 480), -2.0)
    assert check_proposals(*outputs, (310, 480), (320, 480), **settings) > 0


def test_no_proposal_is_left():
    outputs = rpn_outputs(np.random.default_rng(8), (64, 64), 0.0)
    assert check_proposals(*outputs, (64, 64), (64, 64), score_threshold=1.0) == 0
    assert check_proposals(*outputs, (64, 64), (64, 64), min_size=65.0) == 0


def test_a_score_at_the_threshold_is_kept():
    objectness, deltas = rpn_outputs(np.random.default_rng(9), (64, 64), 0.0, levels=1)
    objectness[0].flat[100] = 0
    expected = (objectness[0] >= 0).sum()
    settings = {"score_threshold": 0.5, "nms_threshold": 1.0, "min_size": 0.0}
    assert check_proposals(objectness, deltas, (64, 64), (64, 64), **settings) == expected
    objectness[0].flat[100] = -1e-6
    assert check_proposals(objectness, deltas, (64, 64), (64, 64), **settings) == expected - 1


def test_saturated_scores_of_levels_come_level_by_level():
    """Above 17 float32's sigmoid is 1: finer levels come first, in a level the larger logit."""
    outputs = rpn_outputs(np.random.default_rng(10), (128, 128), 40.0)
    settings = {"pre_nms_top_n": 100, "post_nms_top_n": 300, "nms_threshold": 0.9}
    assert check_proposals(*outputs, (128, 128), (128, 128), **settings) > 100


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_proposals_from_outputs_that_are_not_finite(bad):
    arguments = ((64, 64), (64, 64), SIZES[:2], RATIOS[:2])
    for name in ("objectness", "deltas"):
        objectness, deltas = rpn_outputs(np.random.default_rng(11), (64, 64), 0.0, levels=2)
        {"objectness": objectness, "deltas": deltas}[name][1][2, 3, 1] = bad
        with pytest.raises(EngineError, match=f'"{name}_1" of the network holds NaN or infinity'):
            _core.propose(objectness, deltas, *arguments)


def test_proposals_from_arrays_of_the_wrong_shape():
    objectness, deltas = rpn_outputs(np.random.default_rng(12), (64, 64), 0.0, levels=2)
    for wrong in ((objectness[:1], deltas), (objectness, [deltas[0], deltas[1][:11]])):
        with pytest.raises(InputError, match="propose: expected"):
            _core.propose(*wrong, (64, 64), (64, 64), SIZES[:2], RATIOS[:2])


def head_outputs(rng, count, classes, background, image_size):
    """Proposals inside the image, some of them without area, and logits under which a higher
    background leaves fewer scores above a threshold."""
    height, width = image_size
    boxes = rng.uniform(0, (width, height, width, height), (count, 4))
    boxes = np.concatenate(
        [np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], 1
    )
    boxes[::17, 2] = boxes[::17, 0]
    logits = rng.normal(size=(count, classes + 1)) * 2
    logits[:, 0] += background
    deltas = rng.normal(size=(count, 4 * (classes + 1)))
    return tuple(a.astype(np.float32) for a in (logits, deltas, boxes))


def torchvision_detections(logits, deltas, proposals, image_size, **settings):
    heads = RoIHeads(
        None,
        None,
        None,
        0.5,
        0.5,
        512,
        0.25,
        settings.get("weights", (10.0, 10.0, 5.0, 5.0)),
        settings.get("score_threshold", 0.05),
        settings.get("iou_threshold", 0.5),
        settings.get("max_detections", 100),
    ).eval()
    arguments = [torch.from_numpy(array) for array in (logits, deltas, proposals)]
    found = heads.postprocess_detections(arguments[0], arguments[1], [arguments[2]], [image_size])
    return [part[0].numpy() for part in found]


def check_detections(logits, deltas, proposals, image_size, **settings):
    expected = torchvision_detections(logits, deltas, proposals, image_size, **settings)
    boxes, scores, labels = _core.box_head_detections(
        logits, deltas, proposals, image_size, **settings
    )
    np.testing.assert_array_equal(labels, expected[2] - 1)
    np.testing.assert_allclose(scores, expected[1], rtol=1e-5)
    np.testing.assert_allclose(boxes, expected[0], atol=1e-3)
    return len(boxes)


@pytest.mark.parametrize("classes", [1, 2, 15, 16, 90])
@pytest.mark.parametrize("background", [0.0, 4.0, 8.0])
def test_detections_equal_torchvision(classes, background):
    rng = np.random.default_rng(classes)
    size = (480, 640)
    assert check_detections(*head_outputs(rng, 1000, classes, background, size), size) > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"max_detections": 1},
        {"max_detections": 5000, "score_threshold": 0.001},
        {"score_threshold": 0.0, "iou_threshold": 0.0},
        {"score_threshold": 0.6},
        {"weights": (1.0, 2.0, 3.0, 4.0), "iou_threshold": 0.9},
    ],
    ids=str,
)
def test_detections_under_other_settings(settings):
    size = (300, 200)
    outputs = head_outputs(np.random.default_rng(13), 300, 10, 1.0, size)
    assert check_detections(*outputs, size, **settings) > 0


@pytest.mark.parametrize("count", [0, 1])
def test_no_proposal_and_one(count):
    logits, deltas, boxes = head_outputs(np.random.default_rng(14), 2, 3, 0.0, (50, 60))
    logits[:, 2] = 9
    arrays = logits[1 : 1 + count], deltas[1 : 1 + count], boxes[1 : 1 + count]
    assert check_detections(*arrays, (50, 60)) == count


def test_equal_scores_come_by_proposal_then_class():
    proposals = np.float32([[0, 0, 10, 10], [20, 20, 30, 30], [40, 0, 50, 10]])
    logits = np.float32([[0, 2, 2, 0], [0, 2, 2, 0], [0, 2, 2, 0]])
    deltas = np.zeros((3, 16), np.float32)
    assert check_detections(logits, deltas, proposals, (50, 60)) == 9
    _, _, labels = _core.box_head_detections(logits, deltas, proposals, (50, 60))
    assert labels.tolist() == [0, 1, 0, 1, 0, 1, 2, 2, 2]


def test_a_score_at_the_threshold_is_dropped():
    proposals = np.float32([[0, 0, 10, 10]])
    logits, deltas = np.zeros((1, 4), np.float32), np.zeros((1, 16), np.float32)
    arrays = logits, deltas, proposals, (50, 60)
    assert check_detections(*arrays, score_threshold=0.25) == 0
    assert check_detections(*arrays, score_threshold=float(np.nextafter(np.float32(0.25), 0))) == 3


def test_thresholds_of_classes():
    outputs = head_outputs(np.random.default_rng(15), 200, 3, 0.0, (100, 100))
    settings = {"score_threshold": 0.0, "iou_threshold": 1.0, "max_detections": 600}
    boxes, scores, labels = torchvision_detections(*outputs, (100, 100), **settings)
    passing = scores > np.float32([0, 0.9, 0.1, 0.5])[labels]
    assert 0 < passing.sum() < len(passing)
    del settings["score_threshold"]
    found = _core.box_head_detections(*outputs, (100, 100), thresholds=[0.9, 0.1, 0.5], **settings)
    np.testing.assert_array_equal(found[2], labels[passing] - 1)
    np.testing.assert_allclose(found[0], boxes[passing], atol=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_detections_from_outputs_that_are_not_finite(bad):
    for index, name in enumerate(("logits", "deltas")):
        outputs = head_outputs(np.random.default_rng(16), 100, 5, 0.0, (100, 100))
        outputs[0][40, 3] = 9  # its box is looked at
        outputs[index][40, 4 * 3 + 1 if name == "deltas" else 3] = bad
        with pytest.raises(EngineError, match=f'"{name}" of the network holds NaN or infinity'):
            _core.box_head_detections(*outputs, (100, 100))


def test_detections_from_arrays_of_the_wrong_shape():
    logits, deltas, boxes = head_outputs(np.random.default_rng(17), 10, 5, 0.0, (100, 100))
    for wrong in ((logits[:9], deltas, boxes), (logits, deltas[:, 4:], boxes)):
        with pytest.raises(InputError, match="box_head_detections: expected"):
            _core.box_head_detections(*wrong, (100, 100))


@pytest.mark.parametrize("levels", [1, 2, 4, 5])
def test_levels_equal_torchvision(levels):
    rng = np.random.default_rng(levels)
    sides = np.exp(rng.uniform(-2, 8, (2000, 2)))
    sides[:40] = 7 * 2.0 ** np.arange(-4, 6).repeat(4)[:, None]  # exactly where a level begins
    sides[40:80] = np.nextafter(sides[:40].astype(np.float32), 0)
    corner = np.float32(rng.integers(0, 2, (2000, 2)) * 64)
    boxes = np.concatenate([corner, corner + sides.astype(np.float32)], 1)
    boxes = np.concatenate([boxes, [[5, 5, 5, 90]]]).astype(np.float32)  # without area
    expected = LevelMapper(2, 1 + levels)([torch.from_numpy(boxes)])
    scales = [2.0**-level for level in range(2, 2 + levels)]
    np.testing.assert_array_equal(_core.assign_levels(boxes, scales), expected)
    expected = LevelMapper(2, 1 + levels, 100, 3)([torch.from_numpy(boxes)])
    np.testing.assert_array_equal(_core.assign_levels(boxes, scales, 100, 3), expected)
