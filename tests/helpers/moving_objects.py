"""Videos without images: boxes that move, hide each other and are detected as a detector would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SIZE = (1080, 1920)


@dataclass(frozen=True)
class Scene:
    """What a video is like; `make_video` draws one.

    Attributes:
        objects: in the image at any time.
        frames: of the video.
        speed: in pixels per second, about.
        turn: standard deviation of the direction's change in a second, in radians.
        clutter: false detections in a frame, on average.
        missed: part of the visible objects that are not detected.
        noise: of the detections' sides, a part of the object's size.
        rate: frames per second.
        kept: part of the frames that the tracker gets; the others are dropped.
    """

    objects: int = 20
    frames: int = 150
    speed: float = 150.0
    turn: float = 0.2
    clutter: float = 3.0
    missed: float = 0.03
    noise: float = 0.02
    rate: float = 30.0
    kept: float = 1.0


SCENES = {
    "street": Scene(),
    "crowd": Scene(objects=60, speed=90),
    "dancers": Scene(objects=25, speed=260, turn=2.5),
    "clutter": Scene(clutter=25, missed=0.1),
    "poor detector": Scene(noise=0.05, missed=0.2, clutter=8),
    "10 fps": Scene(rate=10, frames=120),
    "frames dropped": Scene(frames=240, kept=0.6),
}


@dataclass(frozen=True)
class Frame:
    """Boxes are float32 [N, 4], xyxy in pixels."""

    time_s: float
    boxes: NDArray[np.float32]  # what is there
    ids: NDArray[np.int64]
    found: NDArray[np.float32]  # what a detector finds
    scores: NDArray[np.float32]  # of `found`


def make_video(scene: Scene, seed: int) -> list[Frame]:
    rng = np.random.default_rng(seed)
    walkers = [_Walker(rng, scene, number) for number in range(scene.objects)]
    frames, next_id = [], scene.objects
    for index in range(scene.frames):
        for place, walker in enumerate(walkers):
            walker.move(1 / scene.rate)
            if walker.gone():
                walkers[place] = _Walker(rng, scene, next_id, at_the_border=True)
                next_id += 1
        if rng.uniform() < scene.kept:
            frames.append(_frame(rng, scene, walkers, index / scene.rate))
    return frames


def sparse_video(count: int, frames: int) -> Iterator[Frame]:
    """`count` objects for timing, all found, at a usual density for a 1080p image."""
    scene = replace(SCENES["street"], objects=count, frames=frames, clutter=0, missed=0)
    for frame in make_video(scene, 0):
        scores = np.full(len(frame.boxes), 0.9, np.float32)
        yield replace(frame, found=frame.boxes, scores=scores)


class _Walker:
    def __init__(
        self, rng: np.random.Generator, scene: Scene, number: int, at_the_border: bool = False
    ) -> None:
        self.rng, self.scene, self.number = rng, scene, number
        height, width = SIZE
        self.height = rng.uniform(60, 260)  # the nearer, the larger
        self.width = self.height * rng.uniform(0.35, 0.5)
        self.speed = scene.speed * rng.uniform(0.5, 1.5) * self.height / 160
        self.direction = rng.uniform(0, 2 * np.pi)
        self.center = rng.uniform((0, 0), (width, height))
        if at_the_border:
            right = rng.uniform() < 0.5
            self.center[0] = width if right else 0
            self.direction = (np.pi if right else 0) + rng.uniform(-0.6, 0.6)

    def move(self, seconds: float) -> None:
        self.direction += self.rng.normal(0, self.scene.turn) * np.sqrt(seconds)
        way = np.array([np.cos(self.direction), 0.5 * np.sin(self.direction)])
        self.center = self.center + self.speed * seconds * way

    def gone(self) -> bool:
        (x, y), (height, width) = self.center, SIZE
        return not (-self.width / 2 < x < width + self.width / 2 and 0 < y < height)

    def box(self) -> NDArray[np.float64]:
        half = np.array([self.width, self.height]) / 2
        return np.concatenate([self.center - half, self.center + half])


def _frame(rng: np.random.Generator, scene: Scene, walkers: list[_Walker], time_s: float) -> Frame:
    boxes = np.array([walker.box() for walker in walkers])
    found, scores = [], []
    for box, visible in zip(boxes, _visible(boxes), strict=True):
        if visible < 0.15 or rng.uniform() < scene.missed:
            continue
        size = np.array([box[2] - box[0], box[3] - box[1]] * 2)
        found.append(box + scene.noise * size * rng.normal(size=4))
        scores.append(np.clip(0.95 * visible**0.7 + rng.normal(0, 0.06), 0.05, 0.99))
    for _ in range(rng.poisson(scene.clutter)):
        corner = rng.uniform((0, 0), (SIZE[1] - 100, SIZE[0] - 200))
        found.append(np.concatenate([corner, corner + rng.uniform((25, 60), (100, 200))]))
        scores.append(rng.beta(1.5, 3.5))
    return Frame(
        time_s,
        boxes.astype(np.float32),
        np.array([walker.number for walker in walkers], np.int64),
        np.array(found, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
    )


def _visible(boxes: NDArray[np.float64]) -> list[float]:
    """Of each box the part that no larger one, which is nearer, hides."""
    heights = boxes[:, 3] - boxes[:, 1]
    parts = []
    grid = (np.arange(16) + 0.5) / 16
    for box, height in zip(boxes, heights, strict=True):
        x = box[0] + (box[2] - box[0]) * grid[None, :]
        y = box[1] + (box[3] - box[1]) * grid[:, None]
        hidden = np.zeros((16, 16), bool)
        for x1, y1, x2, y2 in boxes[heights > height]:
            hidden |= (x > x1) & (x < x2) & (y > y1) & (y < y2)
        parts.append(1 - hidden.mean())
    return parts
