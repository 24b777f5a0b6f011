"""`edgecv.ops` against torchvision, and against the seed's own formulas."""

import doctest

import numpy as np
import pytest
import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import boxes as torchvision_boxes

import edgecv
from edgecv import InputError, ops


def random_boxes(rng, count, extent=100.0, side=40.0):
    corner = rng.uniform(0, extent, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, side, (count, 2))], 1).astype(
        np.float32
    )


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 1000])
@pytest.mark.parametrize("iou_threshold", [0.0, 0.3, 0.5, 0.95])
def test_nms_keeps_what_torchvision_keeps(count, iou_threshold):
    rng = np.random.default_rng(count)
    boxes = random_boxes(rng, count)
    scores = np.round(rng.uniform(size=count), 2).astype(np.float32)  # many ties
    expected = torchvision_boxes.nms(
        torch.from_numpy(boxes), torch.from_numpy(scores), iou_threshold
    )
    np.testing.assert_array_equal(ops.nms(boxes, scores, iou_threshold), expected)


@pytest.mark.parametrize("count", [0, 1, 50, 2000])
def test_batched_nms_keeps_what_torchvision_keeps(count):
    rng = np.random.default_rng(count + 1)
    boxes = random_boxes(rng, count)
    scores = rng.permutation(np.linspace(0.1, 0.9, count)).astype(np.float32)
    labels = rng.integers(0, 7, count)
    expected = torchvision_boxes._batched_nms_vanilla(
        torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(labels), 0.4
    ).numpy()
    np.testing.assert_array_equal(ops.batched_nms(boxes, scores, labels, 0.4), expected)
    np.testing.assert_array_equal(ops.batched_nms(boxes, scores, labels, 0.4, 10), expected[:10])


def test_batched_nms_with_ties_keeps_the_same_boxes():
    rng = np.random.default_rng(5)
    boxes = random_boxes(rng, 500)
    scores = np.round(rng.uniform(size=500), 1).astype(np.float32)
    labels = rng.integers(-3, 3, 500) * 10**12  # any int64 is a label
    expected = torchvision_boxes._batched_nms_vanilla(
        torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(labels), 0.3
    ).numpy()
    kept = ops.batched_nms(boxes, scores, labels, 0.3)
    assert sorted(kept) == sorted(expected)
    assert (np.diff(scores[kept]) <= 0).all()


def test_nms_just_around_the_threshold():
    # Two boxes with IoU 2/4; torchvision keeps the second at 0.5 and drops it below.
    boxes = [[0, 0, 3, 1], [1, 0, 4, 1]]
    assert ops.nms(boxes, [0.9, 0.8], 0.5).tolist() == [0, 1]
    assert ops.nms(boxes, [0.9, 0.8], np.nextafter(0.5, 0)).tolist() == [0]


def test_box_iou_clip_and_convert_equal_torchvision():
    rng = np.random.default_rng(3)
    a, b = random_boxes(rng, 40), random_boxes(rng, 30)
    ta, tb = torch.from_numpy(a), torch.from_numpy(b)
    np.testing.assert_allclose(ops.box_iou(a, b), torchvision_boxes.box_iou(ta, tb), atol=1e-7)
    np.testing.assert_array_equal(
        ops.clip_boxes_to_image(a - 20, (50, 70)),
        torchvision_boxes.clip_boxes_to_image(ta - 20, (50, 70)),
    )
    for source in ("xyxy", "cxcywh", "xywh"):
        for target in ("xyxy", "cxcywh", "xywh"):
            np.testing.assert_allclose(
                ops.box_convert(a, source, target),
                torchvision_boxes.box_convert(ta, source, target),
                atol=2e-5,
            )


def test_box_convert_to_the_same_format_changes_no_bit():
    boxes = np.random.default_rng(5).uniform(-1e4, 1e4, (500, 4)).astype(np.float32)
    for name in ("xyxy", "cxcywh", "xywh"):
        converted = ops.box_convert(boxes, name, name)
        assert converted.tobytes() == boxes.tobytes()
        assert not np.shares_memory(converted, boxes)


@pytest.mark.parametrize("weights", [(10.0, 10.0, 5.0, 5.0), (1.0, 1.0, 1.0, 1.0)])
def test_deltas_equal_torchvisions_coder(weights):
    rng = np.random.default_rng(4)
    boxes, anchors = random_boxes(rng, 200), random_boxes(rng, 200)
    coder = BoxCoder(weights)
    tb, ta = torch.from_numpy(boxes), torch.from_numpy(anchors)
    deltas = ops.encode_boxes(boxes, anchors, weights)
    np.testing.assert_allclose(deltas, coder.encode_single(tb, ta), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ops.decode_boxes(deltas, anchors, weights), boxes, atol=1e-4)
    wild = (rng.normal(size=(200, 4)) * 30).astype(np.float32)
    np.testing.assert_allclose(
        ops.decode_boxes(wild, anchors, weights),
        coder.decode_single(torch.from_numpy(wild), ta),
        rtol=1e-5,
        atol=1e-3,
    )


def seed_multibox_prior(height, width, scales, ratios, image_size=None):
    """The founding notes' construction, with NumPy."""
    centre_y, centre_x = np.meshgrid(
        (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij"
    )
    aspect = 1 if image_size is None else image_size[0] / image_size[1]
    pairs = [(s, ratios[0]) for s in scales] + [(scales[0], r) for r in ratios[1:]]
    w = np.array([s * np.sqrt(r) * aspect for s, r in pairs])
    h = np.array([s / np.sqrt(r) for s, r in pairs])
    half = np.stack([-w, -h, w, h], 1) / 2
    centres = np.stack([centre_x, centre_y, centre_x, centre_y], -1).reshape(-1, 1, 4)
    return (centres + half).reshape(-1, 4)


@pytest.mark.parametrize("image_size", [None, (561, 728)])
def test_multibox_prior_equals_the_seeds(image_size):
    arguments = ((5, 7), [0.75, 0.5, 0.25], [1, 2, 0.5])
    boxes = ops.multibox_prior(*arguments, image_size=image_size)
    assert boxes.shape == (5 * 7 * 5, 4) and boxes.dtype == np.float32
    expected = seed_multibox_prior(5, 7, *arguments[1:], image_size)
    np.testing.assert_allclose(boxes, expected, atol=1e-6)


def test_multibox_prior_in_the_documented_example():
    scales, ratios = [0.75, 0.5, 0.25], [1, 2, 0.5]
    pixels = ops.multibox_prior((561, 728), scales, ratios, image_size=(561, 728))
    unit = ops.multibox_prior((561, 728), scales, ratios)
    at = (250, 250, 0)
    assert pixels.reshape(561, 728, 5, 4)[at].round(2).tolist() == pytest.approx(
        [0.06, 0.07, 0.63, 0.82]
    )
    assert unit.reshape(561, 728, 5, 4)[at].round(2).tolist() == pytest.approx(
        [-0.03, 0.07, 0.72, 0.82]
    )


def seed_assign_anchors(anchors, boxes, threshold):
    """The founding notes' loop: the threshold first, then greedy matches overwrite it."""
    iou = torchvision_boxes.box_iou(torch.from_numpy(anchors), torch.from_numpy(boxes)).numpy()
    assigned = np.where(iou.max(1) >= threshold, iou.argmax(1), -1)
    for _ in range(len(boxes)):
        anchor, box = np.unravel_index(iou.argmax(), iou.shape)
        assigned[anchor] = box
        iou[:, box] = -1
        iou[anchor, :] = -1
    return assigned


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_assign_anchors_equals_the_seeds(seed, threshold):
    rng = np.random.default_rng(seed)
    anchors, boxes = random_boxes(rng, 300), random_boxes(rng, 1 + 5 * seed)
    np.testing.assert_array_equal(
        ops.assign_anchors(anchors, boxes, threshold),
        seed_assign_anchors(anchors, boxes, threshold),
    )


def test_assign_anchors_without_boxes_and_with_more_boxes_than_anchors():
    anchors = np.array([[0, 0, 1, 1]], np.float32)
    assert ops.assign_anchors(anchors, []).tolist() == [-1]
    assert ops.assign_anchors(anchors, [[5, 5, 6, 6], [0, 0, 1, 1]]).tolist() == [1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.nms([[0, 0, 1]], [0.5], 0.5), r"boxes: expected shape \[N, 4\], got \[1, 3\]"),
        (lambda: ops.nms([[0, 0, 1, 1]], [0.5, 0.4], 0.5), r"scores: expected shape \[1\]"),
        (lambda: ops.nms([[0, 0, 1, 1]], [np.nan], 0.5), "scores hold NaN"),
        (lambda: ops.nms(np.array([["a"] * 4]), [0.5], 0.5), "boxes: expected numbers"),
        (lambda: ops.nms([[0, 0, 1, 1], [2]], [0.5], 0.5), "boxes: .* ragged"),
        (lambda: ops.batched_nms([[0, 0, 1, 1]], [0.5], [0.5], 0.5), "labels: expected integers"),
        (lambda: ops.box_convert([[0, 0, 1, 1]], "xyxy", "yxyx"), "out_fmt: expected one of xyxy"),
        (lambda: ops.multibox_prior((0, 3), [0.5], [1]), "feature_size: expected"),
        (lambda: ops.multibox_prior((3, 3), [], [1]), "at least one scale"),
        (lambda: ops.multibox_prior((3, 3), [0.5], [-1]), "must be positive"),
        (lambda: ops.encode_boxes([[0, 0, 1, 1]], []), r"anchors: expected shape \[1, 4\]"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_empty_input_gives_empty_output():
    empty = np.empty((0, 4), np.float32)
    assert ops.nms(empty, [], 0.5).shape == (0,)
    assert ops.box_iou(empty, [[0, 0, 1, 1]]).shape == (0, 1)
    assert ops.box_convert([], "xyxy", "xywh").shape == (0, 4)


@pytest.mark.parametrize("name", ops.__all__)
def test_the_example_of_each_operation(name):
    names = {"edgecv": edgecv, "np": np}
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(ops, name), name, globs=names)
    assert f"edgecv.ops.{name}(" in example.docstring
    assert any(part.want for part in example.examples)
    messages: list[str] = []
    done = doctest.DocTestRunner().run(example, out=messages.append)
    assert done.attempted and not done.failed, "".join(messages)
