"""Images in, the best classes out: the Python face of the C++ pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgecv_runtime import _core
from edgecv_runtime.models.model import InputImage, Model, State, pixels_and_formats
from edgecv_runtime.results.classification import Classification
from edgecv_runtime.results.result import as_score


class Classifier(Model[Classification]):
    """A loaded classifier."""

    @property
    def threshold(self) -> float:
        """Lowest score that is listed, 0..1; at first 0: all of the bundle's best classes. Setting
        it raises InputError for other numbers."""
        return self._state.threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._current()
        with self._lock:
            self._state = self._state._replace(threshold=as_score(value, "threshold"))

    def _open(self, threads: int) -> _core.Classifier:
        return _core.Classifier(self.bundle, self.engines["main"], threads)

    def settings(self) -> dict[str, Any]:
        return {"threshold": self.threshold}

    def _run(self, state: State, images: Sequence[InputImage], timing: Any) -> list[Classification]:
        found = state.core.run(*pixels_and_formats(images), timing=timing)
        results = [
            Classification(
                labels,
                scores,
                probabilities,
                self.names,
                image=image.pixels,
                color=image.color,
                source=image.source,
            )
            for (labels, scores, probabilities), image in zip(found, images, strict=True)
        ]
        # Without a threshold nothing is dropped: scores that are not probabilities may be negative.
        return [each.filter(state.threshold) for each in results] if state.threshold else results
