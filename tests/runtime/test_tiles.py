"""Detection in tiles: on drawn images with an engine that finds every rectangle, and on the
golden two-stage bundle."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import edgecv
from edgecv import InputError, Tiles
from edgecv.cli.main import main
from edgecv_runtime import Bundle, _core
from edgecv_runtime.models.detector import Detector
from helpers.fake_engine import FakeEngine
from helpers.tiny_bundle import LABELS, write_tiny_bundle

GOLDEN = Path(__file__).parents[1] / "golden" / "bundle_v1_rcnn"
TILE = (32, 48)  # the network's input: a tile of this size is not resized
ROWS = 40


class RectangleFinder:
    """A perfect detector: each connected part of a colour is an object, red of the first class,
    green of the second; its score is how bright it is. Parts wider than `widest` pixels are
    overlooked."""

    widest = TILE[1]

    def __call__(self, images):
        scores = np.zeros((len(images), ROWS, 2), np.float32)
        boxes = np.zeros((len(images), ROWS, 4), np.float32)
        for b, image in enumerate(images):
            found = 0
            for label in (0, 1):
                parts, ids = cv2.connectedComponents((image[label] > 0.1).astype(np.uint8))
                for part in range(1, parts):
                    y, x = np.nonzero(ids == part)
                    if np.ptp(x) + 1 > self.widest:
                        continue
                    box = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], np.float32)
                    boxes[b, found] = box / np.float32([*TILE[::-1]] * 2)
                    scores[b, found, label] = image[label][ids == part].max()
                    found += 1
        return scores, boxes


@pytest.fixture
def engine():
    return FakeEngine(
        RectangleFinder(),
        {"images": [-1, 3, *TILE]},
        {"scores": [-1, ROWS, 2], "boxes": [-1, ROWS, 4]},
    )


@pytest.fixture
def model(tmp_path, engine):
    folder = write_tiny_bundle(tmp_path / "tiny")
    record = json.loads((folder / "bundle.json").read_text())
    for output in record["graphs"]["main"][0]["outputs"]:
        output["shape"][1] = ROWS
    (folder / "bundle.json").write_text(json.dumps(record))
    model = Detector(Bundle.open(str(folder)), {"main": engine}, "fake", "fp32", threads=2)
    model.thresholds = model.measuring_threshold
    return model


def drawn(size, *rectangles):
    """Black, with rectangles (x1, y1, x2, y2, label, level of 0..255)."""
    image = np.zeros((*size, 3), np.uint8)
    for x1, y1, x2, y2, label, level in rectangles:
        image[y1:y2, x1:x2, 2 - label] = level
    return image


def assert_found(result, *rectangles):
    """The result holds exactly these, each once."""
    rows = sorted(
        [*box.round(3).tolist(), int(label), round(255 * float(score))]
        for box, label, score in zip(result.boxes, result.labels, result.scores, strict=True)
    )
    assert rows == sorted([*rectangle] for rectangle in rectangles)
    assert (np.diff(result.scores) <= 0).all()


def test_objects_away_from_borders_are_found_once(model, engine):
    # Tiles begin at 0, 38, 52 across and 0, 25, 28 down.
    rectangles = [(5, 5, 12, 14, 0, 200), (10, 18, 30, 22, 1, 180), (90, 50, 97, 58, 0, 90)]
    model.tiles = Tiles(TILE)
    result = model(drawn((60, 100), *rectangles))
    assert_found(result, *rectangles)
    assert result.image_size == (60, 100)
    assert [len(seen) for seen in engine.seen] == [4, 4, 1]


def test_an_object_that_two_tiles_see_whole_is_one(model):
    rectangles = [(39, 26, 46, 31, 0, 200), (40, 10, 45, 20, 1, 100)]
    model.tiles = Tiles(TILE)
    assert_found(model(drawn((60, 100), *rectangles)), *rectangles)


def test_a_piece_belongs_to_the_tile_that_sees_the_whole(model):
    rectangle = (36, 3, 50, 9, 0, 200)  # the first tile ends at 48, the second begins at 38
    for x1 in range(30, 48):
        shifted = (x1, 3, x1 + 14, 9, 0, 200)
        model.tiles = Tiles(TILE)
        assert_found(model(drawn((32, 100), shifted)), shifted)
    assert_found(model(drawn((32, 100), rectangle)), rectangle)


def test_an_object_longer_than_a_tile_is_the_union_of_its_pieces(model):
    rectangle = (3, 20, 193, 90, 1, 150)
    model.tiles = Tiles(TILE)
    assert_found(model(drawn((100, 200), rectangle)), rectangle)


def test_other_classes_and_neighbours_stay_apart(model):
    rectangles = [
        (20, 4, 60, 12, 0, 200),
        (20, 14, 60, 20, 0, 190),  # both are cut, side by side
        (62, 4, 70, 12, 0, 180),
        (30, 6, 66, 10, 1, 170),  # drawn over others, of another class
    ]
    model.tiles = Tiles(TILE)
    assert_found(model(drawn((32, 100), *rectangles)), *rectangles)


@pytest.mark.parametrize("overlap", [0.1, 0.25, 0.5, 0.75])
def test_random_scenes_come_out_as_drawn(model, overlap):
    rng = np.random.default_rng(int(100 * overlap))
    for _ in range(4):
        rectangles, free = [], np.ones((150, 220), bool)
        for _ in range(60):
            x1, y1 = int(rng.integers(0, 210)), int(rng.integers(0, 140))
            width, height = rng.integers(4, 60), rng.integers(4, 40)
            x2, y2 = min(int(x1 + width), 220), min(int(y1 + height), 150)
            around = slice(max(y1 - 1, 0), y2 + 1), slice(max(x1 - 1, 0), x2 + 1)
            if free[around].all():
                free[y1:y2, x1:x2] = False
                level = int(rng.integers(60, 255))
                rectangles.append((x1, y1, x2, y2, int(rng.integers(0, 2)), level))
        assert len(rectangles) > 10
        model.tiles = Tiles(TILE, overlap=overlap)
        assert_found(model(drawn((150, 220), *rectangles)), *rectangles)


def test_one_tile_is_no_tile(model):
    rectangles = [(5, 5, 12, 14, 0, 200), (0, 18, 30, 22, 1, 180)]
    for size in (TILE, (30, 40)):
        image = drawn(size, *rectangles)
        plain = model(image)
        for tiles in (Tiles(TILE), Tiles((500, 900), overlap=0.9), Tiles(TILE, whole=True)):
            model.tiles = tiles
            tiled = model(image)
            np.testing.assert_array_equal(tiled.boxes, plain.boxes)
            np.testing.assert_array_equal(tiled.scores, plain.scores)
            np.testing.assert_array_equal(tiled.labels, plain.labels)
        model.tiles = None


def test_the_whole_image_besides(model, engine):
    image = drawn((96, 144), (6, 6, 138, 90, 0, 200), (60, 40, 66, 46, 1, 150))
    engine.network.widest = TILE[1] - 2
    model.tiles = Tiles(TILE, overlap=0.25)
    assert (model(image).labels == 0).sum() > 1  # the ends; the tiles between see nothing
    model.tiles = Tiles(TILE, overlap=0.25, whole=True)
    engine.seen.clear()
    result = model(image)
    assert (
        sum(len(seen) for seen in engine.seen) == len(model.tiles.windows((96, 144))) == 4 * 4 + 1
    )
    assert_found(result, (6, 6, 138, 90, 0, 200), (60, 40, 66, 46, 1, 150))


def test_a_list_and_a_stream_of_images(model):
    rectangles = [(5, 5, 12, 14, 0, 200)], [(60, 30, 66, 36, 1, 150)]
    model.tiles = Tiles(TILE)
    results = model([drawn((60, 100), *some) for some in rectangles])
    for result, some in zip(results, rectangles, strict=True):
        assert_found(result, *some)


def test_windows_are_those_of_sliding_windows():
    tiles = Tiles(64, overlap=0.3)
    expected = edgecv.ops.sliding_windows((200, 150), (64, 64), 0.3)
    np.testing.assert_array_equal(tiles.windows((200, 150)), expected)
    whole = Tiles(64, overlap=0.3, whole=True).windows((200, 150))
    np.testing.assert_array_equal(whole, [*expected, [0, 0, 150, 200]])
    assert Tiles(64, whole=True).windows((64, 60)).tolist() == [[0, 0, 60, 64]]


# Two tiles side by side on an image of 100 x 180, sharing x 80..100.
WINDOWS = np.array([[0, 0, 100, 100], [80, 0, 180, 100]], np.int64)


def groups(rows, threshold=0.5, windows=WINDOWS, image=(100, 180)):
    """Of (x1, y1, x2, y2, score, label, tile)."""
    boxes, scores, labels, tiles = np.split(np.array(rows, np.float32), [4, 5, 6], axis=1)
    return _core.group_tiles(
        np.ascontiguousarray(boxes), scores[:, 0].copy(), labels[:, 0].astype(np.int64),
        tiles[:, 0].astype(np.int32), windows, image, threshold,
    )  # fmt: skip


def test_findings_of_one_tile_stay_apart():
    rows = [(10, 10, 40, 40, 0.9, 0, 0), (11, 10, 41, 40, 0.8, 0, 0)]
    assert groups(rows) == [([0], 0), ([1], 1)]


def test_the_best_partner_joins_not_the_first():
    """A small object in front of a large one, both seen by both tiles."""
    rows = [
        (10, 10, 99.9, 90, 0.9, 0, 0),  # large, cut at 100
        (82, 40, 98, 60, 0.8, 0, 1),  # small
        (80, 10, 120, 90, 0.7, 0, 1),  # large, cut at 80
        (82, 40, 98, 60, 0.6, 0, 0),  # small
    ]
    assert groups(rows) == [([0, 2], -1), ([1, 3], 1)]


def test_a_piece_is_no_match_for_an_object_that_does_not_cover_it():
    rows = [(10, 10, 99.9, 90, 0.9, 0, 0), (83, 40, 97, 60, 0.8, 0, 1)]
    assert groups(rows) == [([0], -1), ([1], 1)]


def test_the_whole_counts_although_a_piece_scores_higher():
    rows = [(85, 10, 100, 20, 0.9, 0, 0), (85, 10, 150, 20, 0.5, 0, 1)]
    assert groups(rows) == [([0, 1], 1)]


def test_the_threshold_lies_where_it_is_said_to():
    # Whole in both: 8 of 12 columns in common.
    whole = [(84, 10, 94, 20, 0.9, 0, 0), (86, 10, 96, 20, 0.8, 0, 1)]
    assert len(groups(whole, 0.66)) == 1 and len(groups(whole, 0.67)) == 2
    # A piece of 15 columns and 10 rows, of which 7 rows are covered.
    piece = [(85, 10, 100, 20, 0.9, 0, 0), (85, 13, 150, 30, 0.8, 0, 1)]
    assert len(groups(piece, 0.69)) == 1 and len(groups(piece, 0.71)) == 2


def test_pieces_of_pieces_join():
    windows = np.array([[left, 0, left + 100, 100] for left in (0, 80, 160)], np.int64)
    rows = [
        (20, 10, 100, 20, 0.5, 0, 0),
        (160, 10, 240, 20, 0.9, 0, 2),
        (80, 10, 180, 20, 0.7, 0, 1),
    ]
    assert groups(rows, windows=windows, image=(100, 260)) == [([1, 2, 0], -1)]


def test_no_findings_and_boxes_without_area():
    assert groups(np.zeros((0, 7))) == []
    rows = [(85, 10, 85, 20, 0.9, 0, 0), (85, 10, 85, 20, 0.8, 0, 1)]
    assert groups(rows) == [([0], 0), ([1], 1)]


def test_a_tile_that_does_not_exist():
    with pytest.raises(InputError, match="detection 0 is of tile 2, there are 2"):
        groups([(1, 1, 2, 2, 0.5, 0, 2)])


@pytest.fixture(scope="module")
def segmenter():
    model = edgecv.load(GOLDEN, threads=2)
    model.thresholds = 0.05
    return model


def blocks(height, width):
    rng = np.random.default_rng(2)
    colors = rng.integers(0, 256, (-(-height // 16), -(-width // 16), 3), np.uint8)
    return colors.repeat(16, 0).repeat(16, 1)[:height, :width].copy()


def test_masks_of_pieces_are_united(segmenter):
    image = blocks(150, 210)
    tiles = Tiles((96, 120), overlap=0.4)
    windows = tiles.windows((150, 210))
    frames, rows = [], []
    for index, (x1, y1, x2, y2) in enumerate(windows):
        part = segmenter(image[y1:y2, x1:x2].copy())
        for box, score, label, mask in zip(
            part.boxes, part.scores, part.labels, part.masks, strict=True
        ):
            rows.append([*(box + np.float32([x1, y1, x1, y1])), score, label, index])
            frame = np.zeros((150, 210), bool)
            frame[y1:y2, x1:x2] = mask
            frames.append(frame)
    found = groups(rows, windows=windows, image=(150, 210))
    assert any(len(members) > 1 and whole < 0 for members, whole in found)
    assert any(whole >= 0 and whole != members[0] for members, whole in found)
    segmenter.tiles = tiles
    result = segmenter(image)
    segmenter.tiles = None
    assert len(result) == len(found) < len(rows)
    boxes = np.array(rows, np.float32)[:, :4]
    for k, (members, whole) in enumerate(found):
        pieces = [whole] if whole >= 0 else members
        np.testing.assert_array_equal(result.masks[k], np.any([frames[i] for i in pieces], axis=0))
        low, high = boxes[pieces, :2].min(0), boxes[pieces, 2:].max(0)
        np.testing.assert_array_equal(result.boxes[k], [*low, *high])
        assert result.scores[k] == np.float32(rows[members[0]][4])
        assert result.labels[k] == rows[members[0]][5]


def test_one_tile_of_a_two_stage_model(segmenter):
    image = blocks(90, 130)
    plain = segmenter(image)
    segmenter.tiles = Tiles(200)
    tiled = segmenter(image)
    segmenter.tiles = None
    assert len(plain) > 0
    np.testing.assert_array_equal(tiled.boxes, plain.boxes)
    np.testing.assert_array_equal(tiled.masks, plain.masks)


def test_proposals_and_tiles_do_not_go_together(segmenter):
    segmenter.tiles = Tiles(64)
    with pytest.raises(InputError, match="expected none while the model cuts images into tiles"):
        segmenter(blocks(90, 130), proposals=[[0, 0, 9, 9]])
    segmenter.tiles = None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 0}, r"window: expected a height and a width of 1 to 65535, got \[0, 0\]"),
        ({"size": (64, -1)}, r"got \[64, -1\]"),
        ({"size": 64, "overlap": 1.0}, "overlap: expected a number from 0 to below 1, got 1"),
        ({"size": 64, "overlap": -0.1}, "got -0.1"),
        ({"size": 64, "overlap": float("nan")}, "overlap: expected a number"),
        ({"size": 64, "match_threshold": 0.0}, "match_threshold: expected a number above 0"),
        ({"size": 64, "batch": 0}, "batch: expected at least 1, got 0"),
    ],
)
def test_tiles_that_cannot_be(values, message):
    with pytest.raises(InputError, match=message):
        Tiles(**values)


def test_too_many_tiles(model):
    model.tiles = Tiles(2, overlap=0.5)
    with pytest.raises(InputError, match="use larger tiles or less overlap"):
        model(np.zeros((600, 600, 3), np.uint8))


def test_predict_in_tiles(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "photo.png"), blocks(150, 210))
    words = ["predict", str(GOLDEN), str(tmp_path / "photo.png"), "--json", "--threshold", "0.05"]
    tiled = edgecv.load(GOLDEN)
    tiled.thresholds = 0.05
    tiled.tiles = Tiles((96, 120), overlap=0.4, whole=True)
    assert main([*words, "--tile", "96x120", "--overlap", "0.4", "--tile-whole"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[0])
    expected = tiled(tmp_path / "photo.png").filter(0.05)
    boxes = [detection["box_xyxy"] for detection in record["detections"]]
    np.testing.assert_allclose(boxes, expected.boxes, atol=1e-4)
    segmentations = [detection["segmentation"] for detection in record["detections"]]
    assert segmentations == expected.mask_crops.rle()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tile", "0"], "argument --tile: expected a size such as 640, or HEIGHTxWIDTH"),
        (["--tile", "64x"], "expected HEIGHTxWIDTH such as 240x320, got '64x'"),
        (
            ["--tile", "64", "--overlap", "1"],
            "--overlap: expected a number from 0 to below 1, got '1'",
        ),
        (["--overlap", "0.3"], "--overlap: give --tile SIZE with it"),
        (["--tile-whole"], "--tile-whole: give --tile SIZE with it"),
    ],
)
def test_predict_with_options_that_do_not_fit(tmp_path, capsys, words, message):
    cv2.imwrite(str(tmp_path / "photo.png"), blocks(40, 40))
    try:
        status = main(["predict", str(GOLDEN), str(tmp_path / "photo.png"), *words])
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_names_of_the_tiny_bundle_are_used(model):
    model.tiles = Tiles(TILE)
    result = model(drawn((60, 100), (5, 5, 12, 14, 1, 200)))
    assert result.names == LABELS and result.summary() == f"1 {LABELS[1]}"
