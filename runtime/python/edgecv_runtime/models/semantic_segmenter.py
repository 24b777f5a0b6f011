"""Images in, class maps out: the Python face of the C++ pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from edgecv_runtime import _core
from edgecv_runtime._core import CropWindows, InputError
from edgecv_runtime.models.live_items import LiveItems
from edgecv_runtime.models.model import (
    AnImage,
    Image,
    InputImage,
    Model,
    State,
    input_images,
    pixels_and_formats,
)
from edgecv_runtime.results.segmentation import Segmentation

_WINDOW_KEYS = ("size", "overlap", "weight", "batch")


class SemanticSegmenter(Model[Segmentation]):
    """A loaded network that gives each pixel its class."""

    def _open(self, threads: int) -> _core.SemanticSegmenter:
        return _core.SemanticSegmenter(self.bundle, self.engines["main"], threads)

    @property
    def windows(self) -> dict[str, Any] | None:
        """The windows that the network takes, by default the bundle's; None: the whole image.

        A dict of ``size`` (height, width), ``overlap`` (0 to below 1), ``weight`` (``"uniform"``,
        ``"gaussian"``, ``"linear"``) and ``batch``. Set it with those that change:
        ``model.windows = {"overlap": 0.5}``; with ``None`` for the whole image at once; or, where
        there were none, with at least ``size``. Raises InputError if they cannot be, or do not fit
        the network.
        """
        windows = self._state.core.windows
        if windows is None:
            return None
        items = {key: getattr(windows, key) for key in _WINDOW_KEYS}
        return LiveItems(items, lambda changed: setattr(self, "windows", changed))

    @windows.setter
    def windows(self, value: Mapping[str, Any] | None) -> None:
        self._current()
        with self._lock:
            core = self._state.core.copy()
            core.windows = None if value is None else self._changed(value)
            self._state = State(core)

    def settings(self) -> dict[str, Any]:
        return {"windows": self.windows}

    def _changed(self, value: Mapping[str, Any]) -> CropWindows:
        """The current windows, with the changes applied."""
        unknown = [key for key in value if key not in _WINDOW_KEYS]
        if unknown:
            raise InputError(f'windows: expected {", ".join(_WINDOW_KEYS)}, got "{unknown[0]}"')
        changed = {**(self.windows or {}), **value}
        if "size" not in changed:
            raise InputError(
                "windows: this model takes the image whole: give the windows' size, "
                'as in {"size": (320, 480)}'
            )
        try:
            return CropWindows(**changed)
        except TypeError as error:
            raise InputError(
                "windows: expected size (height, width), overlap a number, weight a string, "
                f"batch an integer, got {dict(value)}"
            ) from error

    def _warmup_size(self) -> tuple[int, int]:
        windows = self.windows
        if windows is None:
            return super()._warmup_size()
        height, width = windows["size"]  # a row of windows, as many as share a run
        return height, min(width * windows["batch"], 65535)

    @overload
    def __call__(
        self, image: Image, color: str = "bgr", probabilities: bool = False
    ) -> Segmentation: ...
    @overload
    def __call__(
        self,
        image: list[AnImage] | tuple[AnImage, ...],
        color: str = "bgr",
        probabilities: bool = False,
    ) -> list[Segmentation]: ...
    def __call__(
        self,
        image: Image | list[AnImage] | tuple[AnImage, ...],
        color: str = "bgr",
        probabilities: bool = False,
    ) -> Segmentation | list[Segmentation]:
        """Gives each pixel its class.

        Args:
            image: a path, uint8 ``[H, W, 3]`` (``[H, W]`` for gray, ``[H, W, 4]`` with alpha) or a
                Pillow image; or a list of these.
            color: order of an array's channels: ``"bgr"`` (OpenCV's) or ``"rgb"``. A Pillow
                image says it itself.
            probabilities: whether the result holds them, too: float32 ``[C, H, W]``, much memory.
                The class map is the same.

        Returns:
            One result for one image; for a list a list, each as the image alone gives it.

        Raises:
            InputError: a file that is not an image, an array of another dtype or shape, an image of
                another size than the network takes.
            EngineError: the network failed, or gave NaN or infinity.
        """
        if isinstance(image, (list, tuple)):
            return self._predict(input_images(image, color), probabilities)
        return self._predict(input_images([image], color), probabilities)[0]

    def _run(
        self,
        state: State,
        images: Sequence[InputImage],
        timing: Any,
        probabilities: bool = False,
    ) -> list[Segmentation]:
        found = state.core.run(*pixels_and_formats(images), probabilities, timing=timing)
        return [
            Segmentation(
                mask,
                self.names,
                scores,
                image=image.pixels,
                color=image.color,
                source=image.source,
            )
            for (mask, scores), image in zip(found, images, strict=True)
        ]
