"""What a classifier found on one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.drawing.boxes import draw_legend
from edgecv_runtime.drawing.lettering import drawable_names
from edgecv_runtime.drawing.palette import class_colors
from edgecv_runtime.results.result import ScoredResult, import_supervision, shortest


@dataclass(frozen=True)
class ClassScore:
    """One class of an image.

    Attributes:
        score: 0..1.
        label: index of the model's labels.
        name: that label's name.
    """

    score: float
    label: int
    name: str


class Classification(ScoredResult[ClassScore]):
    """The best classes of an image, by falling score.

    ``for each in result`` gives each as a :class:`ClassScore`.

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

    def _captions(self, names: Sequence[str] | None = None) -> list[str]:
        names = self.names if names is None else names
        pairs = zip(self.labels, self.scores, strict=True)
        return [f"{names[label]} {score:.2f}" for label, score in pairs]

    def _item(self, index: int) -> ClassScore:
        label = int(self.labels[index])
        return ClassScore(shortest(self.scores[index]), label, self.names[label])

    def _keep(self, keep: NDArray[np.int64]) -> None:
        """`probabilities` stay whole."""
        self.labels, self.scores = self.labels[keep], self.scores[keep]
        self.probabilities = self.probabilities.copy()

    def _draw(self, image: NDArray[np.uint8], labels: bool) -> NDArray[np.uint8]:
        canvas = np.array(image, order="C")
        if labels:
            colors = class_colors(len(self.names))
            texts = self._captions(drawable_names(self.names, self.labels))
            draw_legend(canvas, texts, [colors[label] for label in self.labels])
        return canvas

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the schema is described in docs/python.md."""
        return {
            **self._of_the_image(),
            "classes": [
                {"label": int(label), "name": self.names[label], "score": shortest(score)}
                for label, score in zip(self.labels, self.scores, strict=True)
            ],
        }

    def to_supervision(self) -> Any:
        """A supervision.Classifications of the listed classes; its arrays are copies.

        Raises:
            EngineError: the package supervision is not installed.
        """
        return import_supervision().Classifications(
            class_id=self.labels.copy(), confidence=self.scores.copy()
        )
