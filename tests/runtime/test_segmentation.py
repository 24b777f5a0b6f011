"""Class maps as results: summed up, drawn, written to files."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import edgecv
from edgecv import InputError, Segmentation
from edgecv_runtime.drawing.palette import PALETTE, class_colors

GOLDEN = Path(__file__).parents[1] / "golden" / "bundle_v2_segment"
NAMES = ["background", "road", "tree"]


def example(names=NAMES, dtype=np.uint8):
    mask = np.zeros((200, 300), dtype)
    mask[100:, :] = 2
    mask[150:, 200:] = 1
    return Segmentation(mask, names, image=np.full((200, 300, 3), 200, np.uint8), source="a.jpg")


def test_a_bundle_gives_a_segmenter():
    model = edgecv.load(GOLDEN)
    assert isinstance(model, edgecv.SemanticSegmenter)
    model.warmup()
    (result,) = model([np.zeros((20, 30, 3), np.uint8)])
    assert result.mask.shape == (20, 30)
    assert result.names == ["background", "road", "tree", "sky"]
    assert model.timing.preprocess_ms > 0 and model.timing.postprocess_ms > 0


def test_a_result_sums_itself_up():
    assert example().summary() == "background 50 %, tree 42 %, road 8 %"
    assert repr(example()).endswith("road 8 % on 'a.jpg', 300 x 200 pixels>")
    assert example().to_dict() == {
        "source": "a.jpg",
        "height": 200,
        "width": 300,
        "classes": [
            {"label": 0, "name": "background", "pixels": 30000, "fraction": 0.5},
            {"label": 2, "name": "tree", "pixels": 25000, "fraction": 0.416667},
            {"label": 1, "name": "road", "pixels": 5000, "fraction": 0.083333},
        ],
    }
    many = Segmentation(np.repeat(np.arange(6, dtype=np.uint8), 100)[None], list("abcdef"))
    assert many.summary() == "a 17 %, b 17 %, c 17 %, d 17 %, others 33 %"
    rare = np.zeros((100, 100), np.uint8)
    rare[0, 0] = 1
    assert Segmentation(rare, NAMES).summary() == "background 100 %, road <1 %"


def test_the_overlay_tints_classes_and_leaves_the_background():
    drawn = example().plot()
    assert (drawn[50:100, 200:] == 200).all()
    halves = [np.rint(0.5 * 200 + 0.5 * np.array(PALETTE[label])) for label in (1, 2)]
    assert np.abs(drawn[190, 290].astype(int) - halves[0]).max() <= 1
    assert np.abs(drawn[190, 10].astype(int) - halves[1]).max() <= 1
    tinted = example(["sky", "road", "tree"]).plot()
    assert np.abs(tinted[50, 290].astype(int) - (100 + np.array(PALETTE[0]) / 2)).max() <= 1


def test_the_legend_has_the_colours_of_the_classes():
    drawn = example().plot()
    # The first caption's ground is the background's black, the next the tree's colour.
    rows = [tuple(row) for row in drawn[:60, 0].tolist()]
    grounds = list(dict.fromkeys(rows))
    assert grounds[:3] == [(0, 0, 0), PALETTE[2], PALETTE[1]]


def test_every_class_has_its_own_colour():
    colors = class_colors(256)
    assert len(set(colors)) == 256
    assert colors[:20] == list(PALETTE)
    assert class_colors(3) == list(PALETTE[:3])


def test_class_maps_are_written_with_their_labels_and_colours(tmp_path):
    result = example()
    result.save_mask(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as stored:
        assert stored.mode == "P"
        np.testing.assert_array_equal(np.array(stored), result.mask)
        rgb = np.array(stored.convert("RGB"))
    assert rgb[0, 0].tolist() == [0, 0, 0]
    assert rgb[120, 0].tolist() == list(PALETTE[2][::-1])
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "mask.png"))[:, :, ::-1], rgb)

    wide = example([str(i) for i in range(300)], np.uint16)
    wide.mask[0, 0] = 299
    wide.save_mask(tmp_path / "wide.png")
    stored = cv2.imread(str(tmp_path / "wide.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored, wide.mask)
    with pytest.raises(InputError, match=r"mask.jpg: a class map is written as .png"):
        result.save_mask(tmp_path / "mask.jpg")


def test_all_files_of_a_result(tmp_path):
    example().save_files(tmp_path / "new" / "photo")
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written == ["photo.jpg", "photo.json", "photo.png"]
    assert json.loads((tmp_path / "new" / "photo.json").read_text()) == example().to_dict()
    example().save(tmp_path / "overlay.png")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "overlay.png")), example().plot())
