"""Images in, stylized images out: the Python face of the C++ pipeline for style transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgecv_runtime import _core
from edgecv_runtime.models.model import InputImage, Model, State, pixels_and_formats
from edgecv_runtime.results.stylized import Stylized


class Stylizer(Model[Stylized]):
    """A loaded style network: it takes images of any size and gives them its one style.

    Images are run one by one, so each result is what the image alone gives.
    """

    _tiling = "auto"  # at first

    def _open(self, threads: int) -> _core.Stylizer:
        engines = self.engines
        return _core.Stylizer(
            self.bundle, engines["main"], engines.get("statistics"), engines.get("tile"), threads
        )

    @property
    def tiling(self) -> str:
        """Which images are stylized tile by tile, in bounded memory: ``"auto"`` (those larger than
        the bundle says), ``"never"`` or ``"always"``. Setting it raises InputError for any other
        word, and for ``"always"`` where the bundle has no graphs for tiles."""
        return self._tiling

    @tiling.setter
    def tiling(self, value: str) -> None:
        state = self._current()
        with self._lock:
            core = state.core.copy()
            core.set_tiling(value)
            self._state, self._tiling = State(core), value

    def settings(self) -> dict[str, Any]:
        return {"tiling": self._tiling}

    def _run(self, state: State, images: Sequence[InputImage], timing: Any) -> list[Stylized]:
        stylized = state.core.run(*pixels_and_formats(images), timing=timing)
        return [
            Stylized(pixels, image.source) for pixels, image in zip(stylized, images, strict=True)
        ]
