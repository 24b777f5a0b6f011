"""Which detections of several tiles are one object: the cases one by one, and a simulated detector
with ragged borders."""

from __future__ import annotations

import numpy as np
import pytest

from edgecv import InputError, Tiles, ops
from edgecv_runtime import _core
from helpers.simulated_tiles import IMAGE, TILE, Count, Faults, scene

# Two tiles side by side on an image of 100 x 180, sharing x 80..100; then the image itself.
IMAGE_BOX = [0, 0, 180, 100]
TWO = np.array([[0, 0, 100, 100], [80, 0, 180, 100], IMAGE_BOX], np.int64)


def merged(rows, windows=TWO, image=(100, 180), threshold=0.5):
    """Of (x1, y1, x2, y2, score, label, tile): the merged rows (x1, y1, x2, y2, score, label) by
    falling score."""
    table = np.array(rows, np.float32)
    groups = _core.group_tiles(
        table[:, :4].copy(), table[:, 4].copy(), table[:, 5].astype(np.int64),
        table[:, 6].astype(np.int32), windows, image, threshold,
    )  # fmt: skip
    assert sorted(i for members, _ in groups for i in members) == list(range(len(rows)))
    result = []
    for members, whole in groups:
        pieces = table[[whole] if whole >= 0 else members]
        box = [*pieces[:, :2].min(0), *pieces[:, 2:4].max(0)]
        result.append([round(float(x), 3) for x in [*box, *table[members[0], 4:6]]])
    return result


def test_a_piece_that_ends_before_the_border_is_not_the_object():
    """A face is cut; the piece, its mouth, ends 5.5 pixels inside the tile with a score of 1."""
    mouth, face = (62, 40, 94.5, 70, 1.0, 0, 0), (55, 10, 125, 80, 0.998, 0, 2)
    assert merged([mouth, face]) == [[55, 10, 125, 80, 1.0, 0]]
    # Without the image the next tile's piece of the face holds it: the union of both.
    piece = (80.5, 10, 125, 80, 0.9, 0, 1)
    assert merged([mouth, face, piece]) == [[55, 10, 125, 80, 1.0, 0]]


def test_what_the_image_shows_wins_over_pieces():
    whole = (20, 10, 160, 90, 0.6, 0, 2)
    pieces = [(22, 12, 93, 88, 1.0, 0, 0), (88, 12, 158, 88, 0.9, 0, 1)]
    assert merged([*pieces, whole]) == [[20, 10, 160, 90, 1.0, 0]]
    assert merged(pieces) == [[22, 12, 158, 88, 1.0, 0]]


def test_a_tile_that_sees_all_of_a_small_object_wins_over_the_coarse_image():
    fine, coarse = (30, 30, 40, 40, 0.6, 0, 0), (29, 29, 41, 41, 0.9, 0, 2)
    assert merged([fine, coarse]) == [[30, 30, 40, 40, 0.9, 0]]
    # Not where the object comes near the border.
    near, coarse = (88, 30, 99.7, 40, 0.95, 0, 0), (88, 29, 100, 41, 0.9, 0, 2)
    assert merged([near, coarse]) == [[88, 29, 100, 41, 0.95, 0]]


@pytest.mark.parametrize("gap", [0.5, 4, -2])
@pytest.mark.parametrize("meeting", [84, 90, 96])
def test_two_objects_that_meet_at_a_border_stay_two(gap, meeting):
    left = (30, 20, meeting - gap / 2, 80, 0.9, 0, 0)
    right = (meeting + gap / 2, 20, 150, 80, 0.8, 0, 1)
    rows = [left, right]
    expected = [[*map(float, left[:4]), 0.9, 0], [*map(float, right[:4]), 0.8, 0]]
    assert merged(rows) == expected
    # Each tile sees the other's beginning, too.
    rows += [(80, 20, left[2], 80, 0.7, 0, 1), (right[0], 20, 100, 80, 0.6, 0, 0)]
    boxes = [row[:4] for row in merged(rows)]
    assert len(boxes) == 2 and boxes[0][2] == left[2] and boxes[1][0] == right[0]
    assert boxes[0][0] == 30 and boxes[1][2] == 150
    # And the image.
    rows += [(*left[:4], 0.5, 0, 2), (*right[:4], 0.4, 0, 2)]
    assert [row[:4] for row in merged(rows)] == boxes


def test_a_small_object_in_a_large_one_stays():
    large = [(10, 10, 98, 90, 0.9, 0, 0), (81, 10, 170, 90, 0.8, 0, 1)]
    inside = (86, 30, 96, 42, 0.7, 0, 1)  # in the overlap, where one tile missed it
    away = (30, 40, 45, 60, 0.6, 0, 0)
    small = [[86, 30, 96, 42, 0.7, 0], [30, 40, 45, 60, 0.6, 0]]
    assert merged([*large, inside, away]) == [[10, 10, 170, 90, 0.9, 0], *small]
    image = (10, 10, 170, 90, 0.5, 0, 2)
    assert merged([*large, image, inside, away]) == [[10, 10, 170, 90, 0.9, 0], *small]


def test_other_classes_never_merge():
    rows = [
        (30, 20, 100, 80, 0.9, 0, 0),
        (80, 20, 140, 80, 0.8, 1, 1),
        (30, 20, 140, 80, 0.7, 2, 2),
    ]
    assert [row[5] for row in merged(rows)] == [0, 1, 2]


def test_a_piece_reported_twice_is_not_left_over():
    rows = [
        (30, 20, 98, 80, 0.7, 0, 0),
        (60, 25, 97, 70, 0.9, 0, 0),  # of the same piece, and the better score
        (82, 20, 140, 80, 0.8, 0, 1),
    ]
    assert merged(rows) == [[30, 20, 140, 80, 0.9, 0]]


def test_an_object_of_many_tiles_is_one():
    """0.4 to 1.1 tiles of 100 in each direction beyond the first: nine tiles see a piece of it."""
    lefts = (0, 80, 160)
    windows = np.array([[x, y, x + 100, y + 100] for y in lefts for x in lefts], np.int64)
    thing, short = np.array([40, 50, 215, 225]), np.array([4, 6, 5, 3])
    rows = []
    for tile, window in enumerate(windows):
        low, high = np.maximum(thing[:2], window[:2]), np.minimum(thing[2:], window[2:])
        cut = np.concatenate([thing[:2] < window[:2], thing[2:] > window[2:]])
        box = np.concatenate([low, high]) + cut * short * [1, 1, -1, -1]
        rows.append((*box, 0.5 + 0.05 * tile, 0, tile))
    assert merged(rows, windows, (260, 260)) == [[40, 50, 215, 225, 0.9, 0]]


def test_the_result_does_not_depend_on_the_order():
    rng = np.random.default_rng(1)
    some = scene(rng, Tiles(TILE, whole=True))
    table = np.column_stack([some.boxes, some.scores, some.labels, some.tiles])
    results = []
    for _ in range(3):
        results.append(sorted(merged(table.tolist(), some.windows, IMAGE)))
        rng.shuffle(table)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_boxes_that_are_not_finite(bad):
    with pytest.raises(InputError, match="group_tiles: box 1 holds NaN or infinity"):
        merged([(1, 1, 2, 2, 0.5, 0, 0), (1, bad, 2, 2, 0.5, 0, 0)])


def count(tiles, faults, scenes, merge):
    rng, result = np.random.default_rng(7), Count()
    for _ in range(scenes):
        some = scene(rng, tiles, faults)
        result.add(some, *merge(some))
    return result


def ours(some):
    table = np.column_stack([some.boxes, some.scores, some.labels, some.tiles])
    rows = np.array(merged(table.tolist(), some.windows, IMAGE), np.float32)
    return rows[:, :4].copy(), rows[:, 5].astype(np.int64)


def suppressed(some):
    kept = ops.batched_nms(some.boxes, some.scores, some.labels, 0.5)
    return some.boxes[kept], some.labels[kept]


@pytest.mark.parametrize("overlap", [0.2, 0.3])
def test_objects_that_the_image_and_ragged_tiles_see(overlap):
    tiles = Tiles(TILE, overlap=overlap, whole=True)
    found = count(tiles, Faults(), 12, ours)
    assert found.large > 100 and found.small > 400
    assert found.shown_lost == 0
    assert (
        found.large_lost <= 1
    )  # which the detector missed on the image, and whose pieces do not meet
    assert found.small_lost <= 1
    assert found.extra < count(tiles, Faults(), 12, suppressed).extra / 5


def test_objects_that_ragged_tiles_see_without_the_image():
    found = count(Tiles(TILE, overlap=0.3), Faults(), 12, ours)
    assert found.large_lost <= 0.04 * found.large  # their pieces do not meet
    assert found.small_lost <= 1
    # Without faults nothing is lost and next to nothing left over.
    exact = Faults(ragged=0, missed=0, doubled=0, too_long=0)
    found = count(Tiles(TILE, overlap=0.3), exact, 12, ours)
    assert (found.large_lost, found.small_lost) == (0, 0) and found.extra <= 2
