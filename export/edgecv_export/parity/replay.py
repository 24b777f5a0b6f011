"""Whether rounding alone explains different detections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgecv_export.parity.comparison import LONG_SIDE_1080P, Comparison, Tolerance
from edgecv_export.parity.detected import Detected
from edgecv_export.parity.matching import differences, match_overlapping, match_within


@dataclass(frozen=True)
class Preference:
    """What a model's own code should find where rounding decides.

    Attributes:
        wanted, unwanted: detections.
        box, score: how far a candidate may lie from a detection to be it; sides of boxes in pixels
            of the image.
    """

    wanted: Detected
    unwanted: Detected
    box: float
    score: float


def compare_with_replays(
    size: tuple[int, ...],
    expected: Detected,
    found: Detected,
    decide: Callable[[Preference | None], Detected] | None,
    tolerance: Tolerance,
) -> tuple[Comparison, list[tuple[int, int]]]:
    """Compares what torch (``expected``) and the runtime (``found``) saw on an image of ``size``.

    A detection without a partner is excepted where rounding decides on it: the model's own code, on
    the bundle's raw outputs, decides about it as the runtime does. ``decide`` gives what that
    code finds; with a preference each score is moved by no more than rounding may move it, so that
    among equal and nearly equal ones the runtime's detections come first, and boxes are suppressed
    without the rounding of torchvision's shortcut. Without ``decide`` nothing is excepted.

    Returns also the pairs (expected, found) within the tolerance.
    """
    to_1080p = LONG_SIDE_1080P / max(size[:2])
    limit = tolerance.box / to_1080p
    near = match_within(expected, found, limit, tolerance.score)
    left, extra = near.reference_left, near.other_left
    without_partner = len(left) + len(extra)
    for preferring in (False, True):
        if decide is None or not (left or extra):
            break
        preference = (
            Preference(found, expected.part(left), limit, tolerance.score) if preferring else None
        )
        other = decide(preference)
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
