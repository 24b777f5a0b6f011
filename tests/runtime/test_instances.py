"""Instances: detections with masks, their drawing and their records."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco

from edgecv_runtime import InputError, read_image
from edgecv_runtime._core import MaskCrop
from edgecv_runtime.drawing.boxes import PALETTE, draw_boxes
from edgecv_runtime.drawing.masks import draw_masks
from edgecv_runtime.results.instances import Instances
from edgecv_runtime.results.masks import Masks

NAMES = ["cat", "dog"]
SIZE = (100, 120)
DISC = cv2.circle(np.zeros((41, 41), np.uint8), (20, 20), 20, 1, -1)
RING = cv2.circle(DISC.copy(), (20, 20), 8, 0, -1)


def masks():
    return Masks([MaskCrop(10, 40, DISC), MaskCrop(60, 30, RING), MaskCrop(0, 0, DISC[:0])], SIZE)


def instances(**changes):
    fields = {
        "boxes": np.array([[10, 40, 51, 81], [60, 30, 101, 71], [5, 5, 5, 5]], np.float32),
        "scores": np.array([0.9, 0.5, 0.1], np.float32),
        "labels": np.array([1, 1, 0], np.int64),
        "names": NAMES,
        "masks": masks(),
        "image": np.full((*SIZE, 3), 128, np.uint8),
        **changes,
    }
    return Instances(**fields)


def test_masks_are_painted_on_demand_and_kept():
    result = instances()
    assert "masks" not in vars(result)
    painted = result.masks
    expected = np.zeros((3, *SIZE), bool)
    expected[0, 40:81, 10:51] = DISC
    expected[1, 30:71, 60:101] = RING
    np.testing.assert_array_equal(painted, expected)
    assert painted.dtype == np.bool_ and result.masks is painted


def test_length_size_and_repr():
    result = instances(image=None)
    assert len(result) == 3 and result.image_size == SIZE
    assert repr(result) == "<Instances: 2 dog, 1 cat, 120 x 100 pixels>"


def test_one_mask_too_few():
    with pytest.raises(InputError, match="expected 3 masks, got 2"):
        instances(masks=masks().select(np.array([0, 1])))


def test_filter_takes_the_masks_along():
    result = instances(source="a.jpg")
    assert result.masks.shape[0] == 3
    chosen = result.filter(0.5)
    assert isinstance(chosen, Instances) and len(chosen) == 2 and chosen.source == "a.jpg"
    np.testing.assert_array_equal(chosen.masks, result.masks[:2])
    assert instances().filter(0.95).masks.shape == (0, *SIZE)


def test_to_dict_writes_coco_run_lengths_or_polygons(tmp_path):
    result = instances()
    record = result.to_dict()
    assert list(record["detections"][0]) == ["label", "name", "score", "box_xyxy", "segmentation"]
    codes = [detection["segmentation"] for detection in record["detections"]]
    np.testing.assert_array_equal(coco.decode(codes).transpose(2, 0, 1), result.masks)

    polygons = [d["segmentation"] for d in result.to_dict(masks="polygons")["detections"]]
    assert [len(parts) for parts in polygons] == [1, 2, 0]  # a disc, a ring, nothing
    disc = coco.decode(coco.merge(coco.frPyObjects(polygons[0], *SIZE)))
    np.testing.assert_array_equal(disc, result.masks[0])

    with pytest.raises(InputError, match='expected "rle" or "polygons", got "png"'):
        result.to_dict(masks="png")  # type: ignore[arg-type]

    result.save(tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == record


def test_to_supervision_has_masks():
    pytest.importorskip("supervision")
    found = instances().to_supervision()
    np.testing.assert_array_equal(found.mask, instances().masks)
    assert found.data["class_name"].tolist() == ["dog", "dog", "cat"]


def test_masks_are_tinted_inside_and_nowhere_else():
    canvas = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    before = canvas.copy()
    draw_masks(canvas, masks(), [0, 1, 2])
    painted = masks().paint()
    outside = ~painted.any(0)
    np.testing.assert_array_equal(canvas[outside], before[outside])
    for mask, color in zip(painted[:2], PALETTE[:2], strict=True):
        inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)  # off the outline
        assert inner.any()
        expected = 0.55 * before[inner] + 0.45 * np.array(color)
        assert np.abs(canvas[inner] - expected).max() <= 0.5 + 1e-9
        cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
        edge = mask & ~cv2.erode(mask.astype(np.uint8), cross).astype(bool)
        assert (canvas[edge] == color).all()


def test_the_better_mask_lies_on_top():
    full = MaskCrop(0, 0, np.ones((30, 30), np.uint8))
    canvas = np.zeros((30, 30, 3), np.uint8)
    draw_masks(canvas, Masks([full, full], (30, 30)), [0, 1])
    below = np.rint(0.45 * np.array(PALETTE[1]))
    expected = 0.55 * below + 0.45 * np.array(PALETTE[0])
    assert np.abs(canvas[15, 15] - expected).max() <= 0.5 + 1e-9


def test_plot_draws_masks_below_boxes_in_the_colour_of_the_instance(tmp_path):
    result = instances()
    before = result.image.copy()
    drawn = result.plot(threshold=0.3)
    np.testing.assert_array_equal(result.image, before)
    tinted = before.copy()
    draw_masks(tinted, masks(), [0, 1, 2])
    shown = result.filter(0.3)
    expected = draw_boxes(
        tinted, shown.boxes, shown.scores, shown.labels, NAMES, colors=np.array([0, 1])
    )
    np.testing.assert_array_equal(drawn, expected)
    assert (drawn[80, 30] == PALETTE[0]).all() and (drawn[70, 80] == PALETTE[1]).all()
    result.save(tmp_path / "out.png", threshold=0.3)
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), drawn)
