"""How often a classifier is right, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.one_line import printable


@dataclass(frozen=True)
class Accuracy:
    """Shares in 0..1: `top1` of the images whose class has the highest score, `top5` of those whose
    class is among the five highest (None with five classes or fewer: it would always be 1).
    `classes`: top1 of the images of each class; None for a class without images."""

    top1: float
    top5: float | None
    classes: dict[str, float | None]
    images: int

    @property
    def headline(self) -> tuple[str, float]:
        """The metric that counts."""
        return ("top-1", self.top1)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def table(self) -> str:
        """For a person."""
        classes = {printable(name): value for name, value in self.classes.items()}
        width = max(len(name) for name in [*classes, "all"])
        lines = [f"{'':{width}}  top-1", f"{'all':{width}}  {self.top1:.3f}"]
        if self.top5 is not None:
            lines = [f"{lines[0]}  top-5", f"{lines[1]}  {self.top5:.3f}"]
        for name, value in classes.items():
            lines.append(f"{name:{width}}  " + ("  -" if value is None else f"{value:.3f}"))
        return "\n".join([*lines, f"{self.images} images"])


def accuracy(
    scores: Sequence[NDArray[np.float32]], truth: Sequence[int], names: Sequence[str]
) -> Accuracy:
    """`scores`: for each image float32 [C], any that rise with the probability; `truth`: its class.

    Of equal scores the class of the lower number counts as the higher one.
    """
    ranks = np.array(
        [
            np.flatnonzero(np.argsort(-row, kind="stable") == label)[0]
            for row, label in zip(scores, truth, strict=True)
        ]
    )
    labels = np.asarray(truth)
    right: dict[str, float | None] = {}
    for index, name in enumerate(names):
        own = ranks[labels == index]
        right[name] = float((own == 0).mean()) if own.size else None
    top5 = float((ranks < 5).mean()) if counts_five(names) else None
    return Accuracy(float((ranks == 0).mean()), top5, right, len(ranks))


def counts_five(names: Sequence[str]) -> bool:
    """Whether there are more than five classes."""
    return len(names) > 5
