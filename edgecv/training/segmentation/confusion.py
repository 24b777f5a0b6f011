"""Intersection over union of segmented classes, without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.one_line import printable


@dataclass(frozen=True)
class Overlap:
    """Metrics in 0..1 over all pixels that have a class, of all images together.

    miou: mean of the classes' IoU; classes: IoU of each class, None if it is neither in the
    images nor predicted (then it does not count in the mean); pixel_accuracy: share of pixels of
    the right class.
    """

    miou: float
    pixel_accuracy: float
    classes: dict[str, float | None]
    images: int
    pixels: int

    @property
    def headline(self) -> tuple[str, float]:
        """The metric that counts."""
        return ("mIoU", self.miou)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None without a labelled pixel."""
        plain = asdict(self)
        for name in ("miou", "pixel_accuracy"):
            plain[name] = None if math.isnan(plain[name]) else plain[name]
        return plain

    def table(self) -> str:
        """For a person."""
        classes = {printable(name): value for name, value in self.classes.items()}
        width = max(len(name) for name in [*classes, "pixel accuracy"])
        lines = [f"{'':{width}}  IoU", f"{'mean':{width}}  {self.miou:.3f}"]
        for name, value in classes.items():
            lines.append(f"{name:{width}}  " + ("-" if value is None else f"{value:.3f}"))
        lines.append(f"{'pixel accuracy':{width}}  {self.pixel_accuracy:.3f}")
        return "\n".join([*lines, f"{self.images} images, {self.pixels} labelled pixels"])


class Confusion:
    """Counts pixels by their class in truth and prediction.

    Args:
        classes: C.
        ignore: numbers in the truth that stand for no class.
    """

    def __init__(self, classes: int, ignore: Sequence[int] = ()) -> None:
        self.counts = np.zeros((classes, classes), np.int64)  # [truth, prediction]
        self.ignore = list(ignore)
        self.images = 0

    def add(self, truth: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Takes in one image: class numbers [H, W] of any integer type, `predicted` below C."""
        classes = len(self.counts)
        counted = ~np.isin(truth, self.ignore)
        pairs = truth[counted].astype(np.int64) * classes + predicted[counted]
        self.counts += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        self.images += 1

    def overlap(self, names: Sequence[str]) -> Overlap:
        """IoU = true positives / (true positives + false positives + false negatives)."""
        right = np.diag(self.counts)
        union = self.counts.sum(0) + self.counts.sum(1) - right
        pixels = int(self.counts.sum())
        iou = {
            name: (int(own) / int(of) if of else None)
            for name, own, of in zip(names, right, union, strict=True)
        }
        counted = [value for value in iou.values() if value is not None]
        return Overlap(
            miou=sum(counted) / len(counted) if counted else math.nan,
            pixel_accuracy=int(right.sum()) / pixels if pixels else math.nan,
            classes=iou,
            images=self.images,
            pixels=pixels,
        )
