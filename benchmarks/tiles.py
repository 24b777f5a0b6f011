"""Merging the detections of tiles: 2000 of them against torchvision's batched_nms and NumPy.

The peers only suppress duplicates; edgecv also joins the parts of objects that tiles cut.
"""

from __future__ import annotations

import numpy as np
import torch
from torchvision.ops import boxes as peer

from edgecv_runtime import Tiles, _core, ops
from timing import THREADS, alternate, header, row

IMAGE = (3000, 4000)
DETECTIONS = 2000


def detections(classes: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """What tiles see of random objects: boxes cut to the tile, a pixel of noise, by tile."""
    windows = Tiles(640).windows(IMAGE)
    rows: list[tuple[list[float], float, int, int]] = []
    while len(rows) < DETECTIONS:
        center = rng.uniform((0, 0), IMAGE[::-1])
        half = np.exp(rng.uniform(2.5, 5, 2)) / 2
        box = np.concatenate([center - half, center + half])
        label = int(rng.integers(classes))
        for tile, window in enumerate(windows):
            seen = np.clip(
                box + rng.normal(0, 1, 4), np.tile(window[:2], 2), np.tile(window[2:], 2)
            )
            if (seen[2:] - seen[:2]).min() > 8:
                rows.append((seen.tolist(), float(rng.uniform(0.05, 1)), label, tile))
    boxes, scores, labels, tiles = zip(*rows[:DETECTIONS], strict=True)
    return (
        np.array(boxes, np.float32),
        np.array(scores, np.float32),
        np.array(labels, np.int64),
        np.array(tiles, np.int32),
        windows,
    )


def numpy_nms(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The usual loop, classes shifted apart."""
    boxes = boxes + labels[:, None].astype(np.float32) * (boxes.max() + 1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[rest, :2], boxes[best, :2])
        high = np.minimum(boxes[rest, 2:], boxes[best, 2:])
        inner = (high - low).clip(0).prod(1)
        order = rest[inner <= 0.5 * (areas[rest] + areas[best] - inner)]
    return np.array(kept)


def main() -> None:
    torch.set_num_threads(THREADS)
    print(header("detections", "edgecv ms", "batched_nms ms", "NumPy ms", "objects, edgecv/nms"))
    for classes in (80, 1):
        boxes, scores, labels, tiles, windows = detections(classes, np.random.default_rng(0))
        tensors = [torch.from_numpy(array) for array in (boxes, scores, labels)]

        def ours(b=boxes, s=scores, c=labels, t=tiles, w=windows) -> list:
            return _core.group_tiles(b, s, c, t, w, IMAGE, 0.5)

        times = alternate(
            {
                "edgecv": ours,
                "torchvision": lambda t=tensors: peer.batched_nms(*t, 0.5),
                "numpy": lambda b=boxes, s=scores, c=labels: numpy_nms(b, s, c),
            },
            20,
        )
        np.testing.assert_array_equal(
            numpy_nms(boxes, scores, labels), ops.batched_nms(boxes, scores, labels, 0.5)
        )
        medians = [times[name].median for name in ("edgecv", "torchvision", "numpy")]
        found = f"{len(ours())}/{len(peer.batched_nms(*tensors, 0.5))}"
        print(row(f"{classes} classes" if classes > 1 else "1 class", *medians, found))


if __name__ == "__main__":
    main()
