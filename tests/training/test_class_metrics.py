"""Accuracy and mean IoU, against values counted by hand and a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from edgecv.training.classification.accuracy import accuracy
from edgecv.training.segmentation.confusion import Confusion


def test_accuracy() -> None:
    scores = np.zeros((4, 7), np.float32)
    scores[0, 2] = 1  # right
    scores[1] = np.arange(7)  # the truth, 3, is fourth
    scores[2] = np.arange(7)  # the truth, 0, is last
    scores[3] = [1, 1, 0, 0, 0, 0, 0]  # equal: the lower number is first
    names = [f"c{i}" for i in range(7)]
    result = accuracy(list(scores), [2, 3, 0, 0], names)
    assert (result.top1, result.top5, result.images) == (0.5, 0.75, 4)
    assert result.classes == {**dict.fromkeys(names), "c2": 1.0, "c3": 0.0, "c0": 0.5}
    assert "top-1" in result.table() and "4 images" in result.table()
    assert result.table().splitlines()[1].split() == ["all", "0.500", "0.750"]


@pytest.mark.parametrize(("classes", "top5"), [(3, None), (5, None), (6, 1.0)])
def test_the_best_five_of_five_say_nothing(classes: int, top5: float | None) -> None:
    names = [f"c{i}" for i in range(classes)]
    result = accuracy([np.arange(classes, dtype=np.float32)], [1], names)
    assert result.top5 == top5
    assert ("top-5" in result.table()) == (top5 is not None)
    assert result.to_dict()["top5"] == top5


def test_overlap_by_hand() -> None:
    confusion = Confusion(3, [9])
    confusion.add(np.array([[0, 0, 1, 9]]), np.array([[0, 1, 1, 2]], np.uint8))
    confusion.add(np.array([[0, 1]], np.uint16), np.array([[0, 1]]))
    result = confusion.overlap(["a", "b", "c"])
    # a: 2 of 3; b: 2 of 3; c: neither is nor was found where a class is
    assert result.classes == {"a": pytest.approx(2 / 3), "b": pytest.approx(2 / 3), "c": None}
    assert (result.miou, result.pixel_accuracy) == (pytest.approx(2 / 3), pytest.approx(4 / 5))
    assert (result.images, result.pixels) == (2, 5)
    assert result.to_dict()["classes"]["c"] is None
    assert "mean" in result.table()


def test_overlap_against_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    confusion = Confusion(5, [-1, 250])
    pairs = []
    for _ in range(3):
        truth = rng.choice([-1, 0, 1, 2, 3, 4, 250], (13, 17))
        found = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 4, truth.shape))
        found = found.clip(0, 4)
        confusion.add(truth, found)
        pairs += [(t, f) for t, f in zip(truth.flat, found.flat, strict=True) if t not in (-1, 250)]
    result = confusion.overlap(list("abcde"))
    expected = []
    for c in range(5):
        both = sum(t == c and f == c for t, f in pairs)
        either = sum(t == c or f == c for t, f in pairs)
        expected.append(both / either)
    np.testing.assert_allclose(list(result.classes.values()), expected)
    assert result.miou == pytest.approx(np.mean(expected))
    assert result.pixel_accuracy == pytest.approx(np.mean([t == f for t, f in pairs]))


def test_nothing_to_judge_by() -> None:
    confusion = Confusion(2, [9])
    confusion.add(np.full((2, 2), 9), np.zeros((2, 2), np.int64))
    result = confusion.overlap(["a", "b"])
    assert result.to_dict()["miou"] is None
