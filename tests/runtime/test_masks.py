"""Masks: pasted as torchvision pastes them, coded as pycocotools codes them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco

from edgecv_runtime import InputError, ops
from edgecv_runtime._core import MaskCrop
from edgecv_runtime.results.masks import Masks


def rough_masks(rng, count, size=28):
    return rng.random((count, size, size), np.float32)


def smooth_masks(rng, count, size=28):
    """Blobs as a trained head gives them: near 0 or 1, with a narrow slope between."""
    noise = rng.normal(size=(count, size, size))
    logits = np.stack([cv2.GaussianBlur(one, (0, 0), 3) for one in noise]) * 40
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def binary_masks(rng, count, size=28):
    """Interpolation meets exactly 0.5 often."""
    return (smooth_masks(rng, count, size) > 0.5).astype(np.float32)


def random_boxes(rng, count, height, width, sides):
    center = rng.uniform(0, 1, (count, 2)) * [width, height]
    half = rng.uniform(*sides, (count, 2)) / 2
    return np.concatenate([center - half, center + half], 1).astype(np.float32)


def torchvision_values(masks, boxes, size):
    torch = pytest.importorskip("torch")
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    tensors = torch.from_numpy(masks[:, None]), torch.from_numpy(boxes)
    return paste_masks_in_image(*tensors, size)[:, 0].numpy()


def assert_torchvisions_pixels(masks, boxes, size):
    """Builds of torch round the position of a pixel once or twice (2.14 fuses its product with its
    sum, 2.15 does not). Hence pixels may differ whose value, computed in double, is the threshold
    to within that rounding; no other."""
    ours = ops.paste_masks(masks, boxes, size)
    differ = ours != (torchvision_values(masks, boxes, size) > 0.5)
    if differ.any():
        exact = torchvision_values(masks.astype(np.float64), boxes, size)[differ]
        cells = masks.shape[-1] + 2
        np.testing.assert_allclose(exact, 0.5, rtol=0, atol=4 * cells * np.finfo(np.float32).eps)


@pytest.mark.parametrize("kind", [rough_masks, smooth_masks, binary_masks])
@pytest.mark.parametrize(
    "sides", [(0.1, 3), (3, 30), (30, 62), (50, 80), (80, 400), (600, 1500)], ids=str
)
def test_pasted_pixels_are_torchvisions(kind, sides):
    # 128 pixels of height and width together is where torch changes its arithmetic.
    rng = np.random.default_rng(int(sides[1]))
    size = (240, 320)
    masks = kind(rng, 30)
    boxes = random_boxes(rng, 30, *size, sides)
    clipped = ops.clip_boxes_to_image(boxes, size)
    for given in (boxes, clipped):
        # torchvision itself fails on boxes that miss the image.
        inside = ((given[:, 2:] >= 1) & (given[:, :2] < [size[1], size[0]])).all(1)
        assert_torchvisions_pixels(masks[inside], given[inside], size)


@pytest.mark.parametrize("size", [1, 2, 7, 14, 28, 56])
def test_masks_of_other_sizes(size):
    rng = np.random.default_rng(size)
    masks = rough_masks(rng, 20, size)
    boxes = random_boxes(rng, 20, 200, 150, (5, 160))
    boxes = boxes[(boxes[:, 2:] >= 1).all(1)]
    masks = masks[: len(boxes)]
    assert_torchvisions_pixels(masks, boxes, (200, 150))


@pytest.mark.parametrize(
    "box",
    [
        [5, 5, 5, 5],
        [5.2, 5.2, 5.6, 5.6],
        [30, 10, 20, 20],
        [10, 30, 20, 20],
        [30, 30, 20, 20],
        [-30, -20, 90, 80],
        [-0.9, -0.9, 0.5, 0.5],
        [-4000, 10, 4000, 12],
        [63.5, 47.5, 64, 48],
        [0, 0, 64, 48],
    ],
    ids=str,
)
def test_odd_boxes_are_torchvisions(box):
    rng = np.random.default_rng(4)
    boxes = np.array([box], np.float32)
    for masks in (rough_masks(rng, 1), np.ones((1, 28, 28), np.float32)):
        assert_torchvisions_pixels(masks, boxes, (48, 64))


def test_boxes_outside_give_empty_masks():
    boxes = [[-50, -50, -20, -20], [200, 10, 220, 20], [10, 100, 20, 120], [-9, 10, -2, 20]]
    assert not ops.paste_masks(np.ones((4, 28, 28)), boxes, (48, 64)).any()


def test_no_masks_at_all():
    pasted = ops.paste_masks(np.zeros((0, 28, 28)), np.zeros((0, 4)), (48, 64))
    assert pasted.shape == (0, 48, 64) and pasted.dtype == np.bool_
    masks = ops.paste_mask_crops(np.zeros((0, 1, 28, 28)), [], (48, 64))
    assert len(masks) == 0 and masks.rle() == [] and masks.polygons() == []


def test_a_channel_axis_and_another_threshold():
    rng = np.random.default_rng(5)
    masks, boxes = rough_masks(rng, 3), random_boxes(rng, 3, 100, 100, (20, 60))
    both = [ops.paste_masks(given, boxes, (100, 100), 0.3) for given in (masks, masks[:, None])]
    np.testing.assert_array_equal(*both)
    assert both[0].sum() > ops.paste_masks(masks, boxes, (100, 100)).sum()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((np.zeros((2, 28, 27)), np.zeros((2, 4)), (9, 9)), r"expected shape \[N, M, M\]"),
        ((np.zeros((2, 3, 28, 28)), np.zeros((2, 4)), (9, 9)), r"expected shape \[N, M, M\]"),
        ((np.zeros((2, 0, 0)), np.zeros((2, 4)), (9, 9)), r"expected shape \[N, M, M\]"),
        ((np.zeros((2, 28, 28)), np.zeros((3, 4)), (9, 9)), r"boxes: expected shape \[2, 4\]"),
        ((np.zeros((1, 28, 28)), np.zeros((1, 4)), (0, 9)), "both positive"),
        ((np.zeros((1, 28, 28)), np.full((1, 4), np.nan), (9, 9)), "box 0 is not finite"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        ops.paste_masks(*arguments)


def test_crops_are_small_and_share_their_pixels():
    masks = ops.paste_mask_crops(np.ones((2, 28, 28)), [[10, 20, 30, 50], [0, 0, 9, 9]], (480, 640))
    crop = masks.crops[0]
    assert (crop.x, crop.y) == (9, 18) and crop.pixels.shape == (34, 22)
    assert (crop.height, crop.width) == crop.pixels.shape
    chosen = masks.select(np.array([False, True]))
    assert len(chosen) == 1 and chosen.crops[0] is masks.crops[1]
    assert repr(chosen) == "<Masks: 1 on 640 x 480 pixels>"
    pixels = crop.pixels
    del masks, crop
    assert pixels.sum() == pixels.size - pixels.shape[0] * 2 - pixels.shape[1] * 2 + 4


def test_a_crop_outside_the_image_is_refused():
    with pytest.raises(InputError, match=r"crop 0 covers x 5\.\.9 and y 2\.\.5"):
        Masks([MaskCrop(5, 2, np.ones((3, 4), np.uint8))], (10, 8))


def test_crops_hold_only_zeros_and_ones():
    with pytest.raises(InputError, match="pixels of 0 and 1"):
        MaskCrop(0, 0, np.full((2, 2), 255, np.uint8))


def random_frames(rng, height, width):
    """Empty, full, rough and smooth masks, some at the border."""
    rough = rng.random((3, height, width)) > np.array([0.05, 0.5, 0.95])[:, None, None]
    noise = rng.normal(size=(6, height, width))
    smooth = np.stack([cv2.GaussianBlur(one, (0, 0), 4) > 0.03 for one in noise])
    ends = np.zeros((2, height, width), bool)
    ends[0], ends[1, :, -1] = True, True
    return np.concatenate([rough, smooth, ends, np.zeros((1, height, width), bool)])


SIZES = [(1, 1), (1, 9), (9, 1), (48, 64), (131, 77)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_frames_come_back_from_crops(size):
    frames = random_frames(np.random.default_rng(6), *size)
    np.testing.assert_array_equal(Masks.from_frames(frames).paint(), frames)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_run_lengths_are_pycocotools(size):
    frames = random_frames(np.random.default_rng(7), *size)
    expected = coco.encode(np.asfortranarray(frames.transpose(1, 2, 0).astype(np.uint8)))
    tight = Masks.from_frames(frames).rle()
    assert [code["counts"] for code in tight] == [code["counts"].decode() for code in expected]
    assert tight[0]["size"] == list(size)
    whole = Masks([MaskCrop(0, 0, frame.view(np.uint8)) for frame in frames], size)
    assert whole.rle() == tight


def test_run_lengths_of_pasted_crops_are_pycocotools():
    rng = np.random.default_rng(8)
    boxes = random_boxes(rng, 40, 300, 400, (1, 500))
    masks = ops.paste_mask_crops(smooth_masks(rng, 40), boxes, (300, 400))
    frames = np.asfortranarray(masks.paint().transpose(1, 2, 0).astype(np.uint8))
    assert [c["counts"].encode() for c in masks.rle()] == [c["counts"] for c in coco.encode(frames)]
    np.testing.assert_array_equal(coco.decode(masks.rle()), frames)


def even_odd(polygons, size):
    """Pixel centres inside an odd number of polygons, by counting edges to their left."""
    crossings = np.zeros((size[0], size[1] + 1), np.int64)
    for polygon in polygons:
        for (x, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
            if x == x2:
                crossings[int(min(y1, y2)) : int(max(y1, y2)), int(x)] += 1
    return (crossings.cumsum(1)[:, :-1] % 2).astype(bool)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_polygons_give_the_mask_back(size):
    frames = random_frames(np.random.default_rng(9), *size)
    for frame, polygons in zip(frames, Masks.from_frames(frames).polygons(), strict=True):
        assert all(p.dtype == np.float32 and p.ndim == 2 for p in polygons)
        np.testing.assert_array_equal(even_odd(polygons, size), frame)


def test_polygons_have_one_part_for_each_component_and_one_for_each_hole():
    frames = random_frames(np.random.default_rng(10), 90, 120)
    for frame, polygons in zip(frames, Masks.from_frames(frames).polygons(), strict=True):
        components, _ = cv2.connectedComponents(frame.astype(np.uint8), connectivity=4)
        outside = np.pad(~frame, 1, constant_values=True).astype(np.uint8)
        holes, _ = cv2.connectedComponents(outside, connectivity=8)
        x, y = 0, 1
        areas = [
            (p[:, x] * np.roll(p[:, y], -1) - np.roll(p[:, x], -1) * p[:, y]).sum() / 2
            for p in (polygon.astype(np.float64) for polygon in polygons)
        ]
        # With y downwards a positive area is clockwise on the screen.
        assert sum(area > 0 for area in areas) == components - 1
        assert sum(area < 0 for area in areas) == holes - 2
        assert sum(areas) == frame.sum()


def test_coco_reads_the_polygons():
    rng = np.random.default_rng(11)
    boxes = random_boxes(rng, 12, 300, 400, (40, 300))
    masks = ops.paste_mask_crops(smooth_masks(rng, 12), boxes, (300, 400))
    for frame, polygons in zip(masks.paint(), masks.polygons(), strict=True):
        parts = coco.decode(coco.frPyObjects([p.ravel().tolist() for p in polygons], 300, 400))
        filled = np.bitwise_xor.reduce(parts, axis=2).astype(bool)
        assert (filled & frame).sum() / max((filled | frame).sum(), 1) >= 0.98


def test_frames_of_another_dtype():
    with pytest.raises(InputError, match=r"frames: expected a bool array \[N, H, W\], got uint8"):
        Masks.from_frames(np.zeros((1, 4, 4), np.uint8))
