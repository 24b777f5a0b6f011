"""What a classifier saw on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.drawing import draw_legend
from edgecv_runtime.palette import class_colors
from edgecv_runtime.result import ScoredResult, shortest


class Classification(ScoredResult):
    """The best classes of a picture, by falling score.

    Attributes, beside those of :class:`Result`:
        labels: int64 [k], indices of `names`.
        scores: float32 [k].
        probabilities: float32 [C], the scores of all classes.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        scores: NDArray[np.float32],
        probabilities: NDArray[np.float32],
        names: Sequence[str],
        image: NDArray[np.uint8] | None = None,
        color: str = "bgr",
        source: str | None = None,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(names, image, color, source, image_size)
        self.labels = labels
        self.scores = scores
        self.probabilities = probabilities

    def summary(self) -> str:
        """Like "cat 0.93, dog 0.05": at most three of the best, "nothing" if there are none."""
        return ", ".join(self._captions()[:3]) or "nothing"

    def _captions(self) -> list[str]:
        pairs = zip(self.labels, self.scores, strict=True)
        return [f"{self.names[label]} {score:.2f}" for label, score in pairs]

    def _keep(self, keep: NDArray[np.bool_]) -> None:
        """`probabilities` stay whole."""
        self.labels, self.scores = self.labels[keep], self.scores[keep]

    def _draw(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        canvas = np.array(image, order="C")
        colors = class_colors(len(self.names))
        draw_legend(canvas, self._captions(), [colors[label] for label in self.labels])
        return canvas

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the schema is described in docs/python.md."""
        height, width = self.image_size
        return {
            "source": self.source,
            "height": height,
            "width": width,
            "classes": [
                {"label": int(label), "name": self.names[label], "score": shortest(score)}
                for label, score in zip(self.labels, self.scores, strict=True)
            ],
        }
