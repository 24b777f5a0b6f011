"""A simulated detector that looks at tiles: what it reports of random objects, and how well a
merged list of detections gives the objects back.

It errs as detectors do at the borders of tiles. A piece of an object stops short of the border by
up to 15 % of the object, may be too long on its other sides, may be missed, and may be reported
twice, the second time as a part of itself. Its score says nothing: it can be above the whole's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgecv_runtime import Tiles, ops

IMAGE = (1000, 1400)
TILE = 320
CLASSES = 3
SMALLEST, LARGEST = 10.0, 1.5 * TILE
LARGE = TILE / 2  # an object whose longer side is more than this is called large
FOUND_IOU = 0.5  # a detection above it, of the same class, has found the object


@dataclass(frozen=True)
class Faults:
    """How the detector errs."""

    ragged: float = 0.15  # most that a piece stops short of the border, a part of the object
    noise: float = 0.02  # of each side, a part of the object
    missed: float = 0.05  # of objects and pieces
    doubled: float = 0.15  # of pieces
    too_long: float = 0.1  # of pieces, by up to 10 % of the object


@dataclass
class Scene:
    """Objects and what a detector reported of them. Boxes are float32 [N, 4], xyxy."""

    objects: np.ndarray
    object_labels: np.ndarray  # int64 [M]
    windows: np.ndarray  # int64 [T, 4], the tiles
    boxes: np.ndarray
    scores: np.ndarray  # float32 [N]
    labels: np.ndarray  # int64 [N]
    tiles: np.ndarray  # int32 [N], which tile reported it
    sources: np.ndarray = field(repr=False)  # int64 [N], which object it is of


def scene(rng: np.random.Generator, tiles: Tiles, faults: Faults = Faults()) -> Scene:
    """About 50 objects on an image of IMAGE, and what the detector reports of them in the tiles."""
    objects, object_labels = _objects(rng)
    windows = tiles.windows(IMAGE)
    rows: list[tuple[np.ndarray, float, int, int, int]] = []
    for tile, window in enumerate(windows.astype(np.float64)):
        whole = tiles.whole and tile == len(windows) - 1
        found = [
            (box, score, int(object_labels[i]), tile, i)
            for i, thing in enumerate(objects)
            for box, score in _reported(rng, thing, window, whole, faults)
        ]
        if found:  # the detector's own suppression
            boxes, scores, labels, *_ = zip(*found, strict=True)
            kept = ops.batched_nms(np.array(boxes, np.float32), scores, labels, 0.5)
            rows += [found[k] for k in kept]
    boxes, scores, labels, of_tile, sources = zip(*rows, strict=True)
    return Scene(
        objects.astype(np.float32),
        object_labels,
        windows,
        np.array(boxes, np.float32),
        np.array(scores, np.float32),
        np.array(labels, np.int64),
        np.array(of_tile, np.int32),
        np.array(sources, np.int64),
    )


def _objects(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Apart from each other, but some side by side, and some small ones inside large ones, of one
    class."""
    limit = np.array(IMAGE[::-1], np.float64)
    boxes: list[np.ndarray] = []
    labels: list[int] = []

    def free(box: np.ndarray, label: int, but: int = -1) -> bool:
        if (box[:2] < 0).any() or (box[2:] > limit).any():
            return False
        return all(
            i == but
            or other != label
            or _intersection(box, there) <= 0.1 * min(map(_area, (box, there)))
            for i, (there, other) in enumerate(zip(boxes, labels, strict=True))
        )

    for _ in range(60):
        side = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))
        size = side * np.exp(rng.uniform(-0.35, 0.35) * np.array([1, -1]))
        size = size.clip(SMALLEST, LARGEST)
        corner = rng.uniform(0, 1, 2) * (limit - size)
        box, label = np.concatenate([corner, corner + size]), int(rng.integers(CLASSES))
        if not free(box, label):
            continue
        boxes.append(box)
        labels.append(label)
        kind = rng.random()
        if kind < 0.2:  # side by side, of about the same size
            axis = int(rng.integers(2))
            shift = np.zeros(2)
            shift[axis] = size[axis] + rng.uniform(0, 0.05) * size[axis]
            beside = np.concatenate(
                [corner + shift, corner + shift + size * rng.uniform(0.9, 1.1, 2)]
            )
            if free(beside, label):
                boxes.append(beside)
                labels.append(label)
        elif kind < 0.4 and size.min() > 6 * SMALLEST:  # a small one inside
            small = size * rng.uniform(0.12, 0.3)
            low = corner + rng.uniform(0, 1, 2) * (size - small)
            inside = np.concatenate([low, low + small])
            if free(inside, label, len(boxes) - 1):
                boxes.append(inside)
                labels.append(label)
    return np.array(boxes), np.array(labels, np.int64)


def _reported(
    rng: np.random.Generator, thing: np.ndarray, window: np.ndarray, whole: bool, faults: Faults
) -> list[tuple[np.ndarray, float]]:
    """Boxes and scores of one object in one tile."""
    size = thing[2:] - thing[:2]
    coarse = float(((window[2:] - window[:2]) / TILE).max()) if whole else 1.0
    if coarse > 1 and size.min() < 8 * coarse:  # too few pixels are left of it
        return []
    low, high = np.maximum(thing[:2], window[:2]), np.minimum(thing[2:], window[2:])
    if (high - low).min() <= 2:
        return []
    seen = float((high - low).prod() / size.prod())
    if rng.random() < faults.missed or rng.random() > 2.5 * seen:
        return []
    noise = rng.normal(0, 1, (2, 2)) * (faults.noise * size + 0.3 * coarse)
    box = np.stack([low, high]) + noise.clip(-0.1 * size, 0.1 * size)
    if seen > 0.98:
        return [(_inside(box, window), float(rng.uniform(0.4, 1)))]
    # Sides at the border stop short of it; no side may take more than half of what is seen.
    cut = np.stack([thing[:2] < window[:2], thing[2:] > window[2:]])
    short = rng.uniform(0, faults.ragged, (2, 2)) * size
    short = np.minimum(short, 0.5 * (high - low) / np.maximum(cut.sum(0), 1))
    edge = np.stack([low + short[0], high - short[1]])
    box = np.where(cut, edge, box)
    if rng.random() < faults.too_long:
        longer = rng.uniform(0, 0.1, (2, 2)) * size * np.array([[-1], [1]])
        box = np.where(cut, box, box + longer)
    found = [(_inside(box, window), float(rng.uniform(0.3, 1)))]
    if rng.random() < faults.doubled:
        extent = box[1] - box[0]
        part = extent * rng.uniform(0.4, 0.8, 2)
        corner = box[0] + rng.uniform(0, 1, 2) * (extent - part)
        second = np.stack([corner, corner + part])
        found.append((_inside(second, window), float(rng.uniform(0.3, 1))))
    return [(one, score) for one, score in found if (one[2:] - one[:2]).min() > 1]


def _inside(box: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.concatenate([np.maximum(box[0], window[:2]), np.minimum(box[1], window[2:])])


def _area(box: np.ndarray) -> float:
    return float((box[2:] - box[:2]).clip(0).prod())


def _intersection(a: np.ndarray, b: np.ndarray) -> float:
    return _area(np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])]))


@dataclass
class Count:
    """What a merged list of detections gives of all scenes."""

    large: int = 0
    large_lost: int = 0
    shown_lost: int = 0  # of these, those that the detector reported on the image as a whole
    small: int = 0
    small_lost: int = 0
    extra: int = 0  # detections that found no object, or one that was found already

    def add(self, scene: Scene, boxes: np.ndarray, labels: np.ndarray) -> None:
        """Pairs detections with objects by the best IoU, each once. An object counts if the
        detector reported it: if one of its boxes, or their hull, has found it."""
        iou = ops.box_iou(scene.objects, boxes) if len(boxes) else np.zeros((len(scene.objects), 0))
        iou[scene.object_labels[:, None] != labels[None, :]] = 0
        free_rows, free_columns = np.ones(iou.shape[0], bool), np.ones(iou.shape[1], bool)
        for index in np.argsort(-iou, axis=None):
            row, column = np.unravel_index(index, iou.shape)
            if iou[row, column] < FOUND_IOU:
                break
            if free_rows[row] and free_columns[column]:
                free_rows[row] = free_columns[column] = False
        self.extra += int(free_columns.sum())
        whole = (scene.windows == [0, 0, *IMAGE[::-1]]).all(1)
        shown = np.isin(np.arange(len(scene.objects)), scene.sources[whole[scene.tiles]])
        sides = (scene.objects[:, 2:] - scene.objects[:, :2]).max(1)
        for i, box in enumerate(scene.objects):
            reports = scene.boxes[scene.sources == i]
            if len(reports) == 0:
                continue
            hull = np.concatenate([reports[:, :2].min(0), reports[:, 2:].max(0)])
            if ops.box_iou(box[None], np.vstack([reports, hull])).max() < FOUND_IOU:
                continue
            if sides[i] > LARGE:
                self.large += 1
                self.large_lost += int(free_rows[i])
                self.shown_lost += int(free_rows[i] and shown[i])
            else:
                self.small += 1
                self.small_lost += int(free_rows[i])
