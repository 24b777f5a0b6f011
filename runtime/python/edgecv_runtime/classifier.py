"""Pictures in, the best classes out: the Python face of the C++ pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from edgecv_runtime import _core
from edgecv_runtime.classification import Classification
from edgecv_runtime.model import Model, Picture


class Classifier(Model[Classification]):
    """A loaded classifier."""

    def _open(self, threads: int) -> _core.Classifier:
        return _core.Classifier(self.bundle, self.engines["main"], threads)

    def _run(self, pictures: Sequence[Picture]) -> list[Classification]:
        found = self._core.run([picture.pixels for picture in pictures], pictures[0].format)
        return [
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
