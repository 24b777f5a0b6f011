"""Whether rounding, and nothing else, explains other detections."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edgecv_export.comparison import LONG_SIDE_1080P, Comparison, Tolerance
from edgecv_export.detected import Detected
from edgecv_export.matching import differences, match_overlapping, match_within

LAST_DIGITS = 1e-6  # of the largest logit: some units in its last place
REORDERINGS = 32


def compare_with_replays(
    size: tuple[int, ...],
    expected: Detected,
    found: Detected,
    decide: Callable[[int | None], Detected],
    tolerance: Tolerance,
) -> tuple[Comparison, list[tuple[int, int]]]:
    """Compares what torch (``expected``) and the runtime (``found``) saw on a picture of ``size``.

    A detection without a partner is excepted where rounding decides on it: the model's own code, on
    the bundle's raw outputs, comes to the runtime's decision about it. ``decide`` gives what that
    code finds; with a seed equal and nearly equal scores take other ranks, as rounding may give
    them.

    Returns also the pairs (expected, found) within the tolerance.
    """
    to_1080p = LONG_SIDE_1080P / max(size[:2])
    limit = tolerance.box / to_1080p
    near = match_within(expected, found, limit, tolerance.score)
    left, extra = near.reference_left, near.other_left
    without_partner = len(left) + len(extra)
    for other in _replays(decide):
        if not left and not extra:
            break
        dropped = match_within(expected, other, limit, tolerance.score).reference_left
        left = [i for i in left if i not in dropped]
        missing = match_within(found, other, limit, tolerance.score).reference_left
        extra = [j for j in extra if j in missing]
    excepted = without_partner - len(left) - len(extra)
    off = match_overlapping(expected, found, left, extra)
    pairs = near.pairs + off
    box, score = differences(expected, found)
    box_px = max((float(box[pair]) for pair in pairs), default=0.0)
    comparison = Comparison(
        detections=len(expected.scores),
        matched=len(pairs),
        excepted=excepted,
        unmatched=len(left) + len(extra) - 2 * len(off),
        box_difference_px=box_px,
        box_difference_1080p=box_px * to_1080p,
        score_difference=max((float(score[pair]) for pair in pairs), default=0.0),
    )
    return comparison, near.pairs


def _replays(decide: Callable[[int | None], Detected]) -> Iterator[Detected]:
    yield decide(None)
    for seed in range(REORDERINGS):
        yield decide(seed)
