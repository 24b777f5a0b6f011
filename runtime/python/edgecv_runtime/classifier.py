"""Pictures in, the best classes out: the Python face of the C++ pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from edgecv_runtime import _core
from edgecv_runtime.classification import Classification
from edgecv_runtime.model import Model, Picture
from edgecv_runtime.result import as_score


class Classifier(Model[Classification]):
    """A loaded classifier."""

    _threshold = 0.0

    @property
    def threshold(self) -> float:
        """Lowest score that is listed, 0..1; at first 0: all of the bundle's best classes. Setting
        it raises InputError for other numbers."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._threshold = as_score(value, "threshold")

    def _open(self, threads: int) -> _core.Classifier:
        return _core.Classifier(self.bundle, self.engines["main"], threads)

    def _run(self, pictures: Sequence[Picture]) -> list[Classification]:
        found = self._core.run([picture.pixels for picture in pictures], pictures[0].format)
        results = [
            Classification(
                labels,
                scores,
                probabilities,
                self.names,
                image=picture.pixels,
                color=picture.color,
                source=picture.source,
            )
            for (labels, scores, probabilities), picture in zip(found, pictures, strict=True)
        ]
        # Without a threshold nothing is dropped: scores that are no probabilities may be negative.
        return [each.filter(self._threshold) for each in results] if self._threshold else results
