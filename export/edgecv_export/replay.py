"""Whether rounding of the network, and nothing else, explains other detections."""

from __future__ import annotations

from collections.abc import Callable

from edgecv_export.comparison import LONG_SIDE_1080P, Comparison, Tolerance
from edgecv_export.detected import Detected
from edgecv_export.matching import differences, match_overlapping, match_within


def compare_with_replay(
    size: tuple[int, int],
    expected: Detected,
    found: Detected,
    replay: Callable[[], Detected],
    tolerance: Tolerance,
) -> Comparison:
    """Compares what torch (``expected``) and the runtime (``found``) saw on a picture of ``size``.

    Detections without a partner are excepted where the model's own decisions on the bundle's raw
    outputs (``replay``) are the runtime's: then the networks' rounding turned a decision.
    """
    to_1080p = LONG_SIDE_1080P / max(size)
    limit = tolerance.box / to_1080p
    near = match_within(expected, found, limit, tolerance.score)
    left, extra, excepted = near.reference_left, near.other_left, 0
    if left or extra:
        again = match_within(replay(), found, limit, tolerance.score)
        if not again.reference_left and not again.other_left:
            left, extra, excepted = [], [], len(left) + len(extra)
    off = match_overlapping(expected, found, left, extra)
    pairs = near.pairs + off
    box, score = differences(expected, found)
    box_px = max((float(box[pair]) for pair in pairs), default=0.0)
    return Comparison(
        detections=len(expected.scores),
        matched=len(pairs),
        excepted=excepted,
        unmatched=len(left) + len(extra) - 2 * len(off),
        box_difference_px=box_px,
        box_difference_1080p=box_px * to_1080p,
        score_difference=max((float(score[pair]) for pair in pairs), default=0.0),
    )
