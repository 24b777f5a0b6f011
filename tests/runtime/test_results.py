"""Detections: filter, plot, save, to_dict, to_supervision; and what is drawn."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from edgecv_runtime import Detections, InputError, read_image
from edgecv_runtime.drawing.boxes import PALETTE, draw_boxes, draw_note

NAMES = ["cat", "dog", "traffic light"]
BOXES = np.array([[10, 40, 60, 90], [50.4, 30.6, 119.5, 99.5], [5, 5, 15, 15]], np.float32)


def detections(**changes):
    fields = {
        "boxes": BOXES,
        "scores": np.array([0.9, 0.5, 0.1], np.float32),
        "labels": np.array([1, 2, 1], np.int64),
        "names": NAMES,
        "image": np.full((100, 120, 3), 128, np.uint8),
        **changes,
    }
    return Detections(**fields)


def nothing(**changes):
    return detections(
        boxes=np.zeros((0, 4), np.float32),
        scores=np.zeros(0, np.float32),
        labels=np.zeros(0, np.int64),
        **changes,
    )


def test_length_size_and_repr():
    result = detections(source="a.jpg")
    assert len(result) == 3 and result.image_size == (100, 120)
    assert repr(result) == ("<Detections: 2 dog, 1 traffic light on 'a.jpg', 120 x 100 pixels>")
    assert repr(nothing()) == "<Detections: nothing, 120 x 100 pixels>"


def test_summary_names_the_four_most_frequent():
    names = list("abcdef")
    labels = np.array([5, 5, 5, 1, 1, 0, 2, 3, 4], np.int64)
    result = detections(
        boxes=np.zeros((9, 4), np.float32),
        scores=np.zeros(9, np.float32),
        labels=labels,
        names=names,
    )
    assert result.summary() == "3 f, 2 b, 1 a, 1 c, 2 others"


def test_filter_keeps_the_threshold_itself():
    result = detections(source="a.jpg").filter(0.5)
    np.testing.assert_array_equal(result.scores, np.array([0.9, 0.5], np.float32))
    np.testing.assert_array_equal(result.boxes, BOXES[:2])
    assert result.labels.tolist() == [1, 2] and result.source == "a.jpg"
    # 0.9 as float32 is below 0.9 as float64; the number that is shown decides.
    assert len(detections().filter(0.9)) == 1
    assert len(detections().filter(0.91)) == 0
    assert len(detections()) == 3  # itself it stays whole
    for wrong in (7, -0.5, float("nan"), "0.5"):
        with pytest.raises(InputError, match="threshold: expected a number from 0 to 1, got"):
            detections().filter(wrong)


def test_neither_image_nor_size():
    with pytest.raises(InputError, match="the image or its image_size"):
        detections(image=None)


def test_to_dict_has_the_documented_schema():
    record = detections(image=None, image_size=(100, 120), source="a.jpg").filter(0.5).to_dict()
    assert record == {
        "source": "a.jpg",
        "height": 100,
        "width": 120,
        "detections": [
            {"label": 1, "name": "dog", "score": 0.9, "box_xyxy": [10.0, 40.0, 60.0, 90.0]},
            {
                "label": 2,
                "name": "traffic light",
                "score": 0.5,
                "box_xyxy": [50.4, 30.6, 119.5, 99.5],
            },
        ],
    }
    scores = [
        entry["score"] for entry in json.loads(json.dumps(detections().to_dict()))["detections"]
    ]
    np.testing.assert_array_equal(np.array(scores, np.float32), detections().scores)


def test_save_json_and_image(tmp_path):
    result = detections()
    result.save(tmp_path / "Zoë.json")
    assert json.loads((tmp_path / "Zoë.json").read_text()) == result.to_dict()
    result.save(tmp_path / "Zoë.png", threshold=0.8)
    np.testing.assert_array_equal(read_image(tmp_path / "Zoë.png"), result.plot(threshold=0.8))


def test_save_refuses_an_unknown_suffix(tmp_path):
    with pytest.raises(InputError, match=r"a suffix such as \.jpg, \.png or \.json"):
        detections().save(tmp_path / "result.xyz")
    with pytest.raises(InputError, match="expected a suffix"):
        detections().save(tmp_path / "result")


def test_save_where_no_folder_is(tmp_path):
    with pytest.raises(FileNotFoundError):
        detections().save(tmp_path / "gone" / "result.json")


def test_plot_copies_and_draws_above_the_threshold():
    result = detections()
    before = result.image.copy()
    drawn = result.plot(threshold=0.8)
    np.testing.assert_array_equal(result.image, before)
    assert drawn.shape == (100, 120, 3) and drawn.dtype == np.uint8
    color = PALETTE[1]
    # Exactly the box's border pixels, one pixel wide: columns 10..59, rows 40..89.
    assert (drawn[40:90, 10] == color).all() and (drawn[40:90, 59] == color).all()
    assert (drawn[89, 10:60] == color).all() and (drawn[40, 10:60] == color).all()
    assert (drawn[41:89, 11:59] == 128).all()
    assert (drawn[90:] == 128).all() and (drawn[40:, 60:] == 128).all()


def test_plot_of_nothing_is_the_image():
    np.testing.assert_array_equal(nothing().plot(), nothing().image)


@pytest.mark.parametrize(
    ("color", "pixel", "bgr"),
    [
        ("bgr", (1, 2, 3), (1, 2, 3)),
        ("rgb", (1, 2, 3), (3, 2, 1)),
        ("bgr", (1, 2, 3, 0), (1, 2, 3)),
        ("rgb", (1, 2, 3, 0), (3, 2, 1)),
        ("rgb", 7, (7, 7, 7)),
    ],
)
def test_plot_gives_bgr_whatever_the_model_was_given(color, pixel, bgr):
    shape = (100, 120) if pixel == 7 else (100, 120, len(pixel))
    image = np.full(shape, pixel, np.uint8)
    assert (nothing(image=image, color=color).plot() == bgr).all()


def test_plot_on_another_image():
    result = nothing(image=None, image_size=(100, 120))
    with pytest.raises(InputError, match="holds no image"):
        result.plot()
    assert (result.plot(np.full((100, 120, 3), 9, np.uint8)) == 9).all()
    with pytest.raises(
        InputError, match=r"\[100, 120\] \(height, width\), got one of \[120, 100\]"
    ):
        result.plot(np.zeros((120, 100, 3), np.uint8))


def test_to_supervision():
    supervision = pytest.importorskip("supervision")
    found = detections().to_supervision()
    assert isinstance(found, supervision.Detections) and len(found) == 3
    np.testing.assert_array_equal(found.xyxy, BOXES)
    np.testing.assert_array_equal(found.confidence, detections().scores)
    assert found.class_id.tolist() == [1, 2, 1]
    assert found.data["class_name"].tolist() == ["dog", "traffic light", "dog"]
    assert len(nothing().to_supervision()) == 0


def changed_rows_and_columns(canvas, ground):
    rows, columns = np.nonzero((canvas != ground).any(axis=2))
    return rows.min(), rows.max(), columns.min(), columns.max()


@pytest.mark.parametrize("size", [(16, 16), (100, 150), (480, 640), (2160, 3840)])
@pytest.mark.parametrize("where", ["top left", "bottom right"])
def test_captions_stay_inside_and_can_be_read(size, where):
    height, width = size
    image = np.full((height, width, 3), 128, np.uint8)
    box = [0, 0, 4, 4] if where == "top left" else [width - 4, height - 4, width, height]
    drawn = draw_boxes(
        image,
        np.array([box], np.float32),
        np.array([0.75], np.float32),
        np.array([0]),
        ["traffic light"],
    )
    color = np.array(PALETTE[0])
    ground = (drawn == color).all(axis=2)
    rows = np.nonzero(ground.any(axis=1))[0]
    high = rows.max() - rows.min() + 1
    # Between 10 pixels (or the whole of a tiny image) and a tenth of the image.
    assert min(10, height // 4) <= high <= max(28, height / 10)
    letters = drawn[~ground & (drawn != 128).any(axis=2)]
    assert np.abs(letters.astype(int) - color).max() > 80  # white on red
    if width >= 100:
        assert ground.any(axis=0).sum() > 60  # the whole caption, not a piece of it


def test_boxes_outside_the_image_do_not_break_the_drawing():
    image = np.full((50, 60, 3), 128, np.uint8)
    boxes = np.array([[-20, -20, -10, -10], [70, 60, 90, 80], [30, 20, 30, 20]], np.float32)
    drawn = draw_boxes(image, boxes, np.ones(3, np.float32), np.array([0, 25, 2]), ["x"] * 26)
    assert drawn.shape == image.shape and (drawn != image).any()
    assert (drawn[49, 59] == PALETTE[25 % len(PALETTE)]).all()


def test_the_best_is_on_top():
    image = np.full((100, 100, 3), 128, np.uint8)
    boxes = np.array([[20, 40, 60, 80], [20, 40, 60, 80]], np.float32)
    drawn = draw_boxes(
        image, boxes, np.array([0.9, 0.8], np.float32), np.array([3, 4]), list("abcde")
    )
    assert (drawn[79, 20:60] == PALETTE[3]).all()


def test_colours_differ():
    lab = cv2.cvtColor(np.array([PALETTE], np.float32) / 255, cv2.COLOR_BGR2Lab)[0]
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    assert (distance + 100 * np.eye(len(PALETTE))).min() > 12  # CIE 1976; 2.3 can just be seen


def test_note_is_white_on_black_in_the_corner():
    canvas = np.full((480, 640, 3), 128, np.uint8)
    draw_note(canvas, "25.0 frames/s")
    top, bottom, left, right = changed_rows_and_columns(canvas, 128)
    assert (top, left) == (0, 0) and bottom < 30 and 60 < right < 200
    assert canvas[: bottom + 1, : right + 1].max() > 230
