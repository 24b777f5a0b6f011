"""Writes tests/golden/tracking: what SciPy and NumPy say of assignments and filters, and tracks.

    python tests/golden/make_tracking.py

Numbers separated by spaces, so that C++ reads them without more:

    assignment.txt   a line for each matrix: rows, columns, the costs, the column of each row
    motion.txt       a line for each step of a filter: its number (0 ByteTrack's, 1 SORT's), 1 where
                     a new box begins, frames passed, the box that was measured, the box that the
                     filter expected, and the box that it has afterwards
    tracks.txt       a line for each detection of a video: frame, seconds, box, score, label, and
                     the ids that ByteTrack and OC-SORT give it
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from edgecv_runtime import _core
from helpers.moving_objects import Scene, make_video

FOLDER = Path(__file__).parent / "tracking"
Array = NDArray[np.float64]


def assignment_lines() -> Iterator[str]:
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(7)
    shapes = [(1, 1), (1, 5), (5, 1), (2, 2), (3, 3), (4, 7), (7, 4), (12, 12), (20, 35), (35, 20)]
    for rows, cols in shapes * 3:
        cost = np.round(rng.normal(size=(rows, cols)), 6)
        chosen = np.full(rows, -1)
        chosen[np.array(linear_sum_assignment(cost)[0])] = linear_sum_assignment(cost)[1]
        yield " ".join(map(str, [rows, cols, *cost.ravel().tolist(), *chosen.tolist()]))


class Dense:
    """A Kalman filter with whole matrices: four measured numbers, then their speeds."""

    def __init__(self, state: Array, covariance: Array) -> None:
        self.x, self.p = state, covariance

    def predict(self, noise: Array) -> None:
        size = len(self.x)
        step = np.eye(size)
        step[: size - 4, 4:] += np.eye(size - 4)
        self.x, self.p = step @ self.x, step @ self.p @ step.T + noise

    def update(self, measured: Array, noise: Array) -> None:
        see = np.eye(4, len(self.x))
        gain = self.p @ see.T @ np.linalg.inv(see @ self.p @ see.T + noise)
        self.x = self.x + gain @ (measured - see @ self.x)
        self.p = self.p - gain @ see @ self.p


def height_numbers(box: Array) -> Array:
    width, height = box[2:] - box[:2]
    return np.array([*(box[:2] + box[2:]) / 2, width / height, height])


def height_box(state: Array) -> Array:
    x, y, ratio, height = state[:4]
    half = np.array([ratio * height, height]) / 2
    return np.array([x, y, x, y]) + np.concatenate([-half, half])


def area_numbers(box: Array) -> Array:
    width, height = box[2:] - box[:2]
    return np.array([*(box[:2] + box[2:]) / 2, width * height, width / height])


def area_box(state: Array) -> Array:
    x, y, area, ratio = state[:4]
    width = np.sqrt(area * ratio)
    half = np.array([width, area / width]) / 2
    return np.array([x, y, x, y]) + np.concatenate([-half, half])


def byte_track_steps(boxes: Array) -> Iterator[tuple[int, Array, Array]]:
    """ByteTrack's filter: the noise is a part of the height."""

    def deviations(height: float, position: float, speed: float) -> Array:
        places = [position * height / 20] * 2 + [1e-2, position * height / 20]
        return np.array([*places, *[speed * height / 160] * 2, 1e-5, speed * height / 160])

    first = height_numbers(boxes[0])
    start = np.diag(deviations(first[3], 2, 10) ** 2)
    dense = Dense(np.concatenate([first, np.zeros(4)]), start)
    for box in boxes[1:]:
        dense.predict(np.diag(deviations(dense.x[3], 1, 1) ** 2))
        expected = height_box(dense.x)
        seen = deviations(dense.x[3], 1, 1)[:4]
        seen[2] = 1e-1
        dense.update(height_numbers(box), np.diag(seen**2))
        yield 1, expected, height_box(dense.x)


def sort_steps(boxes: Array) -> Iterator[tuple[int, Array, Array]]:
    """SORT's; some frames are missing, which is several predictions."""
    first = area_numbers(boxes[0])
    dense = Dense(np.concatenate([first, np.zeros(3)]), np.diag([10.0] * 4 + [1e4] * 3))
    for index, box in enumerate(boxes[1:]):
        frames = 1 + (index % 4 == 3) * 2
        for _ in range(frames):
            dense.predict(np.diag([1.0] * 4 + [1e-2, 1e-2, 1e-4]))
        expected = area_box(dense.x)
        dense.update(area_numbers(box), np.diag([1.0, 1.0, 10.0, 10.0]))
        yield frames, expected, area_box(dense.x)


def motion_lines() -> Iterator[str]:
    rng = np.random.default_rng(3)
    for steps in (byte_track_steps, sort_steps):
        for _ in range(4):
            corner, size = rng.uniform(100, 500, 2), rng.uniform(30, 200, 2)
            speed = rng.uniform(-8, 8, 2)
            boxes = np.array(
                [
                    np.concatenate([corner + speed * i, corner + speed * i + size * (1 + 0.01 * i)])
                    + rng.normal(0, 2, 4)
                    for i in range(20)
                ]
            )
            number = [byte_track_steps, sort_steps].index(steps)
            yield _line(number, 1, 0, boxes[0], boxes[0], boxes[0])
            for box, (frames, expected, after) in zip(boxes[1:], steps(boxes), strict=True):
                yield _line(number, 0, frames, box, expected, after)


def _line(number: int, first: int, frames: int, *boxes: Array) -> str:
    values = np.concatenate(boxes).tolist()
    return " ".join([f"{number} {first} {frames}", *(f"{value:.12g}" for value in values)])


def track_lines() -> Iterator[str]:
    trackers = [_core.ByteTrack(_core.TrackerOptions()), _core.OcSort(_core.TrackerOptions())]
    rng = np.random.default_rng(5)
    scene = Scene(objects=12, frames=60, clutter=2, missed=0.05, kept=0.8)
    for index, frame in enumerate(make_video(scene, 11)):
        labels = rng.integers(0, 2, len(frame.scores)) * (rng.uniform(size=len(frame.scores)) < 0.1)
        labels = labels.astype(np.int64)
        ids = [each.update(frame.found, frame.scores, labels, frame.time_s) for each in trackers]
        for row in zip(frame.found, frame.scores, labels, *ids, strict=True):
            box, score, label, byte_id, oc_id = row
            numbers = " ".join(f"{value:.9g}" for value in (*box.tolist(), score))
            yield f"{index} {frame.time_s:.9g} {numbers} {label} {byte_id} {oc_id}"


FILES = {
    "assignment.txt": assignment_lines,
    "motion.txt": motion_lines,
    "tracks.txt": track_lines,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, lines in FILES.items():
        (FOLDER / name).write_text("\n".join(lines()) + "\n")
