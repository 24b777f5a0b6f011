"""What rounding may turn, against computations that were really rounded differently."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import nms

from edgecv_export.decisions import KEPT, OPEN, OUT, Margins, Rule, decide

RULE = Rule(score_threshold=0.1, iou_threshold=0.5, topk_candidates=30)


def survivors(scores: np.ndarray, boxes: np.ndarray) -> set[int]:
    """torchvision's own steps for one class."""
    candidates = np.flatnonzero(scores > RULE.score_threshold)
    candidates = candidates[np.argsort(-scores[candidates])][: RULE.topk_candidates]
    kept = nms(
        torch.from_numpy(boxes[candidates]),
        torch.from_numpy(scores[candidates]),
        RULE.iou_threshold,
    )
    return set(candidates[kept.numpy()].tolist())


@pytest.mark.parametrize("seed", range(8))
def test_settled_candidates_survive_or_vanish_under_every_rounding(seed: int) -> None:
    rng = np.random.default_rng(seed)
    margins = Margins(score=2e-3, box=0.1)
    centre = rng.uniform(20, 60, (50, 2))
    half = rng.uniform(6, 14, (50, 2))
    boxes = np.hstack([centre - half, centre + half])
    scores = rng.uniform(0.05, 0.9, 50)
    state = decide(scores, boxes, RULE, margins)
    kept, out = set(np.flatnonzero(state == KEPT)), set(np.flatnonzero(state == OUT))
    assert len(kept) >= 5
    assert len(kept) + len(out) >= 30
    for _ in range(100):
        found = survivors(
            scores + rng.uniform(-margins.score, margins.score, 50),
            boxes + rng.uniform(-margins.box, margins.box, boxes.shape),
        )
        assert kept <= found
        assert not out & found


def test_without_margins_everything_is_settled_as_torchvision_has_it() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (60, 2))
    boxes = np.hstack([low, low + rng.uniform(5, 30, (60, 2))])
    scores = rng.permutation(np.linspace(0.05, 0.95, 60))
    state = decide(scores, boxes, RULE, Margins(score=0, box=0))
    assert set(np.flatnonzero(state == KEPT).tolist()) == survivors(scores, boxes)
    assert not (state == OPEN).any()


BOX = [0.0, 0.0, 10.0, 10.0]
FAR = [50.0, 50.0, 60.0, 60.0]


@pytest.mark.parametrize(
    ("scores", "boxes", "expected"),
    [
        ([0.1005], [BOX], [OPEN]),  # at the threshold
        ([0.2], [BOX], [KEPT]),
        ([0.05], [BOX], [OUT]),
        ([0.8, 0.8005], [BOX, BOX], [OPEN, OPEN]),  # a tie between two that overlap
        ([0.8, 0.8005], [BOX, FAR], [KEPT, KEPT]),  # a tie between two that do not
        ([0.8, 0.7], [BOX, BOX], [KEPT, OUT]),
        ([0.8, 0.7], [BOX, [0, 0, 10, 20.0]], [KEPT, OPEN]),  # IoU 0.5, the threshold
        # The second hangs on the first, the third on the second.
        ([0.1005, 0.1002, 0.101], [BOX, BOX, FAR], [OPEN, OPEN, OPEN]),
        # Boxes without area suppress nothing.
        ([0.8, 0.7], [[0, 0, 0, 9], [5, 0, 5, 9]], [KEPT, KEPT]),
    ],
)
def test_single_cases(scores: list[float], boxes: list[list[float]], expected: list[int]) -> None:
    state = decide(np.array(scores), np.array(boxes), RULE, Margins(score=1e-3, box=0.01))
    assert state.tolist() == expected


def test_last_place_of_the_top_k() -> None:
    rule = Rule(score_threshold=0.1, iou_threshold=0.5, topk_candidates=2)
    boxes = np.array([BOX, FAR, [100.0, 0, 110, 10], [200.0, 0, 210, 10]])
    state = decide(np.array([0.9, 0.5, 0.4995, 0.3]), boxes, rule, Margins(score=1e-3, box=0.01))
    assert state.tolist() == [KEPT, OPEN, OPEN, OUT]
