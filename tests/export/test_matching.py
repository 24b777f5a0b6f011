from __future__ import annotations

import numpy as np

from edgecv_export.parity.detected import Detected
from edgecv_export.parity.matching import match_overlapping, match_within


def detected(*rows: tuple[float, float, float, float, float, int]) -> Detected:
    values = np.array(rows, np.float32).reshape(-1, 6)
    return Detected(values[:, :4], values[:, 4], values[:, 5].astype(np.int64))


def test_closest_pairs_first_each_once() -> None:
    reference = detected((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 10.4, 0.9, 0))
    other = detected((0, 0, 10, 10.3, 0.9, 0), (0, 0, 10, 10, 0.9, 0))
    matching = match_within(reference, other, box_tolerance=0.5, score_tolerance=0.01)
    assert sorted(matching.pairs) == [(0, 1), (1, 0)]
    assert matching.reference_left == matching.other_left == []


def test_other_label_score_or_place_is_no_partner() -> None:
    reference = detected((0, 0, 10, 10, 0.9, 0))
    for other in ((0, 0, 10, 10, 0.9, 1), (0, 0, 10, 10, 0.88, 0), (0, 0, 10, 10.6, 0.9, 0)):
        matching = match_within(reference, detected(other), 0.5, 0.01)
        assert (matching.pairs, matching.reference_left, matching.other_left) == ([], [0], [0])


def test_one_partner_for_two() -> None:
    twice = detected((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 10, 0.9, 0))
    matching = match_within(twice, detected((0, 0, 10, 10, 0.9, 0)), 0.5, 0.01)
    assert (len(matching.pairs), len(matching.reference_left)) == (1, 1)


def test_boxes_without_area_match_by_place() -> None:
    reference = detected((0, 5, 0, 9, 0.5, 0), (0, 50, 0, 90, 0.5, 0))
    other = detected((0, 50, 0, 90, 0.5, 0), (0, 5, 0, 9, 0.5, 0))
    assert sorted(match_within(reference, other, 0.5, 0.01).pairs) == [(0, 1), (1, 0)]


def test_nothing_on_either_side() -> None:
    matching = match_within(detected(), detected((0, 0, 1, 1, 0.5, 0)), 0.5, 0.01)
    assert (matching.pairs, matching.reference_left, matching.other_left) == ([], [], [0])


def test_left_overs_pair_by_overlap_of_one_label() -> None:
    reference = detected((0, 0, 10, 10, 0.9, 0), (50, 50, 60, 60, 0.9, 1))
    other = detected((52, 50, 62, 60, 0.5, 1), (0, 0, 10, 10, 0.9, 2), (90, 90, 99, 99, 0.9, 0))
    # IoU of the second with the first of the others: 80 / 120.
    assert match_overlapping(reference, other, [0, 1], [0, 1, 2]) == [(1, 0)]
