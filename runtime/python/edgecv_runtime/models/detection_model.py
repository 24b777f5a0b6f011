"""What models that find objects have in common: thresholds by class, the caller's proposals."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from edgecv_runtime import _core
from edgecv_runtime._core import (
    Bundle,
    DenseSpec,
    Engine,
    InputError,
    MaskCrop,
    RcnnSpec,
    SsdSpec,
)
from edgecv_runtime.models.live_items import LiveItems
from edgecv_runtime.models.model import (
    AnImage,
    Image,
    InputImage,
    Model,
    Result,
    State,
    input_images,
    pixels_and_formats,
)
from edgecv_runtime.models.proposals import Proposals, check_proposal_lists, check_proposals
from edgecv_runtime.models.tiles import Tiles
from edgecv_runtime.results.result import as_score, shortest

Boxes = npt.NDArray[np.float32]


class Found(NamedTuple):
    """What the core found on an image."""

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    masks: Sequence[MaskCrop] = ()


class DetectionModel(Model[Result]):
    """A loaded model whose results are boxes, with or without masks."""

    def __init__(
        self,
        bundle: Bundle,
        engines: Mapping[str, Engine],
        engine_name: str,
        precision: str,
        threads: int | None = None,
    ) -> None:
        super().__init__(bundle, engines, engine_name, precision, threads)
        spec = bundle.manifest.postprocess
        assert isinstance(spec, SsdSpec | DenseSpec | RcnnSpec)
        if isinstance(spec, RcnnSpec):
            mask = ("mask",) if spec.mask is not None else ()
            self._timing = _core.TwoStageTiming
            self.steps = ("preprocess", "trunk", "proposals", "roi", *mask, "postprocess")
        own = [shortest(np.float32(score)) for score in bundle.manifest.thresholds]
        self._thresholds = dict(zip(self.names, own, strict=True))
        self._classes: tuple[str, ...] | None = None

    def _open(self, threads: int) -> _core.Detector | _core.TwoStageDetector:
        engines = self.engines
        if isinstance(self.manifest.postprocess, RcnnSpec):
            return _core.TwoStageDetector(
                self.bundle, engines["trunk"], engines["roi"], engines.get("mask"), threads
            )
        return _core.Detector(self.bundle, engines["main"], threads)

    @abstractmethod
    def _result(self, found: Found, image: InputImage) -> Result: ...

    @property
    def tiles(self) -> Tiles | None:
        """How large images are cut; None: every image goes through the network as a whole."""
        return self._state.tiles

    @tiles.setter
    def tiles(self, value: Tiles | None) -> None:
        if value is not None and not isinstance(value, Tiles):
            raise InputError(f"tiles: expected edgecv.Tiles(640) or None, got {value!r}")
        self._current()
        with self._lock:
            self._state = self._state._replace(tiles=value)

    def settings(self) -> dict[str, Any]:
        return {"thresholds": self._thresholds, "classes": self.classes, "tiles": self.tiles}

    @property
    def thresholds(self) -> dict[str, float]:
        """Detections with scores above these are reported; by class name.

        At first they are the bundle's own: 0.5, unless its manifest says otherwise. Set it with one
        number for all classes, or with a mapping of those that change:
        ``model.thresholds = {"person": 0.6}``, ``model.thresholds["person"] = 0.6``. Raises
        InputError for other numbers than 0 to 1 and for a class that the bundle does not have.
        """
        return LiveItems(self._thresholds, lambda items: setattr(self, "thresholds", items))

    @thresholds.setter
    def thresholds(self, value: float | Mapping[str, float]) -> None:
        self._current()
        with self._lock:
            self._apply(self._changed(value), self._classes)

    def _changed(self, value: float | Mapping[str, float]) -> dict[str, float]:
        """The current thresholds, with the changes applied. Raises InputError."""
        if isinstance(value, Mapping):
            unknown = [name for name in value if name not in self._thresholds]
            if unknown:
                raise InputError(
                    f'thresholds: this bundle has no class "{unknown[0]}", '
                    f"only {', '.join(self.names)}"
                )
            return {
                **self._thresholds,
                **{name: as_score(score, "thresholds") for name, score in value.items()},
            }
        return dict.fromkeys(self.names, as_score(value, "thresholds"))

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes that are reported, by name; None: all of them.

        ``model.classes = ["person"]`` leaves the others out before suppression and before the
        highest number of detections is counted. Raises InputError for a class that the bundle does
        not have.
        """
        return self._classes

    @classes.setter
    def classes(self, value: Sequence[str] | None) -> None:
        if isinstance(value, str):
            raise InputError(f'classes: expected a list of names, got "{value}"')
        if value is not None:
            unknown = [name for name in value if name not in self._thresholds]
            if unknown or not value:
                raise InputError(
                    f"classes: expected some of {', '.join(self.names)}, got "
                    + (f'"{unknown[0]}"' if unknown else "none")
                )
        self._current()
        with self._lock:
            self._apply(self._thresholds, None if value is None else tuple(value))

    def _apply(self, thresholds: dict[str, float], classes: tuple[str, ...] | None) -> None:
        """A score is reported if it is above its threshold, so 1 leaves a class out."""
        core = self._state.core.copy()
        core.set_thresholds(
            [thresholds[name] if classes is None or name in classes else 1.0 for name in self.names]
        )
        self._state = self._state._replace(core=core)
        self._thresholds, self._classes = thresholds, classes

    @property
    def measuring_threshold(self) -> float:
        """The low score, 0.01 to 0.05 mostly, down to which average precision needs detections:
        ``model.thresholds = model.measuring_threshold`` before measuring."""
        return shortest(np.float32(self.manifest.measuring_threshold))

    @overload
    def __call__(
        self, image: Image, color: str = "bgr", proposals: Proposals | None = None
    ) -> Result: ...
    @overload
    def __call__(
        self,
        image: list[AnImage] | tuple[AnImage, ...],
        color: str = "bgr",
        proposals: Proposals | None = None,
    ) -> list[Result]: ...
    def __call__(
        self,
        image: Image | list[AnImage] | tuple[AnImage, ...],
        color: str = "bgr",
        proposals: Proposals | None = None,
    ) -> Result | list[Result]:
        """Finds objects.

        Args:
            image: a path, uint8 ``[H, W, 3]`` (``[H, W]`` for gray, ``[H, W, 4]`` with alpha) or a
                Pillow image; or a list of these.
            color: order of an array's channels: ``"bgr"`` (OpenCV's) or ``"rgb"``. A Pillow
                image says it itself.
            proposals: two-stage models only: float32 ``[N, 4]``, xyxy in pixels of the image, the
                boxes to use in place of the proposal network's; a bundle without such a network
                (Fast R-CNN) needs them. They are clipped to the image; those without area are
                dropped. With a list of images a list of boxes.

        Returns:
            One result for one image; for a list a list, each as the image alone gives it.

        Raises:
            InputError: a file that is not an image, an array of another dtype or shape; proposals
                of another shape, with NaN or infinity, missing, or for a model that takes none.
            EngineError: the network failed, or gave NaN or infinity.
        """
        if proposals is None:
            return super().__call__(image, color)
        if not isinstance(self.manifest.postprocess, RcnnSpec):
            raise InputError(
                f"proposals: expected none, since {self.manifest.architecture} is not a two-stage "
                "model"
            )
        if isinstance(image, (list, tuple)):
            lists = check_proposal_lists(proposals, len(image))
            return self._predict(input_images(image, color), lists)
        return self._predict(input_images([image], color), [check_proposals(proposals)])[0]

    def _warm_up_with(self, image: InputImage) -> None:
        state, timing = self._current(), self._timing()
        proposals: list[Any] = []
        if isinstance(state.core, _core.TwoStageDetector):
            # An empty image may give no proposal; the second stage is to run too.
            height, width = image.size
            proposals = [[np.array([[0, 0, width, height]], np.float32)]]
        self._run(state._replace(tiles=None), [image], timing, *proposals)

    def _run(
        self,
        state: State,
        images: Sequence[InputImage],
        timing: Any,
        proposals: Sequence[Boxes] | None = None,
    ) -> list[Result]:
        if state.tiles is None:
            given = () if proposals is None else (proposals,)
            found = state.core.run(*pixels_and_formats(images), *given, timing=timing)
        elif proposals is not None:
            raise InputError("proposals: expected none while the model cuts images into tiles")
        else:
            found = [self._in_tiles(state.core, state.tiles, each, timing) for each in images]
        return [self._result(Found(*one), image) for one, image in zip(found, images, strict=True)]

    def _in_tiles(self, core: Any, tiles: Tiles, image: InputImage, timing: Any) -> Any:
        given = (image.pixels, image.format, tiles.spec())
        if isinstance(core, _core.Detector):
            return _core.detect_in_tiles(core, *given, tiles.batch, timing=timing)
        return _core.detect_in_tiles(core, *given, timing=timing)
