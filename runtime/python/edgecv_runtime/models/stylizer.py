"""Pictures in, painted pictures out: the Python face of the C++ pipeline for style transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgecv_runtime import _core
from edgecv_runtime._core import Bundle, Engine
from edgecv_runtime.models.model import Model, Picture, State, pixels_and_formats
from edgecv_runtime.results.stylized import Stylized


class Stylizer(Model[Stylized]):
    """A loaded style network: paints pictures of any size in its one style.

    Pictures are run one by one, so each result is what the picture alone gives.
    """

    def __init__(
        self,
        bundle: Bundle,
        engines: Mapping[str, Engine],
        engine_name: str,
        precision: str,
        threads: int | None = None,
    ) -> None:
        super().__init__(bundle, engines, engine_name, precision, threads)
        self._tiling = "auto"

    def _open(self, threads: int) -> _core.Stylizer:
        engines = self.engines
        return _core.Stylizer(
            self.bundle, engines["main"], engines.get("statistics"), engines.get("tile"), threads
        )

    @property
    def tiling(self) -> str:
        """Which pictures are painted tile by tile, in bounded memory: ``"auto"`` (those larger than
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

    def _run(self, state: State, pictures: Sequence[Picture], timing: Any) -> list[Stylized]:
        painted = state.core.run(*pixels_and_formats(pictures), timing=timing)
        return [
            Stylized(image, picture.source)
            for image, picture in zip(painted, pictures, strict=True)
        ]
