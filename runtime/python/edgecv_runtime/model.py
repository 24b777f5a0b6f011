"""What every loaded model has in common: pictures in, results out."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, overload

import numpy as np
import numpy.typing as npt

from edgecv_runtime import _core
from edgecv_runtime._core import (
    Bundle,
    Engine,
    InputError,
    Manifest,
    MaskCrop,
    RcnnSpec,
    Timing,
    TwoStageTiming,
)
from edgecv_runtime.images import check_image, read_image
from edgecv_runtime.proposals import Proposals, check_proposal_lists, check_proposals

if TYPE_CHECKING:
    from edgecv_runtime.sources import SourceLike

Image = str | os.PathLike[str] | npt.NDArray[np.uint8]
AnImage = TypeVar("AnImage", bound=Image)  # a list of paths is no list of paths and arrays
Boxes = npt.NDArray[np.float32]
Result = TypeVar("Result")


class Picture(NamedTuple):
    """A picture on its way into the core."""

    pixels: npt.NDArray[np.uint8]
    format: str  # of the core's PixelFormat
    source: str | None = None

    @property
    def color(self) -> str:
        return "rgb" if self.format.startswith("rgb") else "bgr"


class Found(NamedTuple):
    """What the core found on a picture."""

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    masks: list[MaskCrop]


class Model(ABC, Generic[Result]):
    """A loaded model. Call it with a picture; :func:`edgecv.load` makes it.

    Not thread-safe: give each thread its own.

    Attributes:
        bundle, engines: what it runs; an engine for each role of the bundle's graphs.
        engine_name, precision: as :func:`edgecv.load` names them.
        names: the bundle's labels.
        steps: what `timing` measures, in the order of the work.
    """

    def __init__(
        self,
        bundle: Bundle,
        engines: Mapping[str, Engine],
        engine_name: str,
        precision: str,
        threads: int | None = None,
    ) -> None:
        self.bundle = bundle
        self.engines = dict(engines)
        self.engine_name = engine_name
        self.precision = precision
        self.names: list[str] = list(bundle.manifest.labels)
        spec = bundle.manifest.postprocess
        self._core: _core.Detector | _core.TwoStageDetector
        if isinstance(spec, RcnnSpec):
            self._core = _core.TwoStageDetector(
                bundle, engines["trunk"], engines["roi"], engines.get("mask"), threads or 0
            )
            mask = ("mask",) if spec.mask is not None else ()
            self.steps = ("preprocess", "trunk", "proposals", "roi", *mask, "postprocess")
            threshold = spec.box_head.score_threshold
        else:
            self._core = _core.Detector(bundle, engines["main"], threads or 0)
            self.steps = ("preprocess", "network", "postprocess")
            threshold = spec.score_threshold
        self._thresholds = dict.fromkeys(self.names, threshold)

    @abstractmethod
    def _result(self, found: Found, picture: Picture) -> Result: ...

    @property
    def manifest(self) -> Manifest:
        return self.bundle.manifest

    @property
    def timing(self) -> Timing | TwoStageTiming:
        """Milliseconds of the last call: for each of `steps` the attribute ``<step>_ms``."""
        return self._core.timing

    @property
    def thresholds(self) -> dict[str, float]:
        """Scores below these are not reported; by class name. Set it with one number for all
        classes, or with a mapping of those that change: ``model.thresholds = {"person": 0.6}``."""
        return dict(self._thresholds)

    @thresholds.setter
    def thresholds(self, value: float | Mapping[str, float]) -> None:
        if isinstance(value, Mapping):
            unknown = [name for name in value if name not in self._thresholds]
            if unknown:
                raise InputError(
                    f'thresholds: this bundle has no class "{unknown[0]}", '
                    f"only {', '.join(self.names)}"
                )
            changed = {**self._thresholds, **{name: float(t) for name, t in value.items()}}
        else:
            changed = dict.fromkeys(self.names, float(value))
        self._core.set_thresholds([changed[name] for name in self.names])
        self._thresholds = changed

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
            image: a path, or uint8 ``[H, W, 3]`` (``[H, W]`` for gray, ``[H, W, 4]`` with alpha);
                or a list of these.
            color: order of an array's channels: ``"bgr"`` (as OpenCV has it) or ``"rgb"``.
            proposals: two-stage models only: float32 ``[N, 4]``, xyxy in pixels of the picture, the
                boxes to look at in place of the proposal network's; a bundle without such a network
                (Fast R-CNN) needs them. They are clipped to the picture; those without area are
                dropped. With a list of pictures a list of boxes.

        Returns:
            One result for one picture; for a list a list, each as the picture alone gives it.

        Raises:
            InputError: a file that is no picture, an array of another dtype or shape; proposals of
                another shape, with NaN or infinity, missing, or for a model that takes none.
            EngineError: the network failed, or gave NaN or infinity.
        """
        if color not in ("bgr", "rgb"):
            raise InputError(f'color: expected "bgr" or "rgb", got "{color}"')
        if isinstance(image, (list, tuple)):
            lists = None if proposals is None else check_proposal_lists(proposals, len(image))
            return self._predict([_picture(one, color) for one in image], lists)
        boxes = None if proposals is None else [check_proposals(proposals)]
        return self._predict([_picture(image, color)], boxes)[0]

    def stream(self, source: SourceLike, batch: int = 1) -> Iterator[Result]:
        """Results one after another, as the pictures come.

        Args:
            source: a folder, a glob, a file, a video, a camera, an address, or a list of these; see
                :func:`edgecv_runtime.sources.open_source`.
            batch: pictures that share a run of the network, where the graph allows it.

        Raises:
            InputError: a source or one of its pictures cannot be read (``edgecv predict`` goes on
                with the rest instead), or a camera has gone.
        """
        from edgecv_runtime.sources import Failure, open_source

        waiting: list[Picture] = []
        for frame in open_source(source):
            if isinstance(frame, Failure):
                yield from self._predict(waiting)
                raise frame.error
            waiting.append(Picture(frame.image, "bgr", frame.name))
            if len(waiting) >= batch:
                yield from self._predict(waiting)
                waiting = []
        yield from self._predict(waiting)

    def warmup(self, runs: int = 2) -> None:
        """Runs the network on an empty picture, so that the first real one is not slow."""
        height, width = self.manifest.input.size or (480, 640)
        picture = Picture(np.zeros((height, width, 3), np.uint8), "bgr")
        # An empty picture may give no proposal; the second stage is to run too.
        whole = np.array([[0, 0, width, height]], np.float32)
        proposals = [whole] if isinstance(self._core, _core.TwoStageDetector) else None
        for _ in range(runs):
            self._predict([picture], proposals)

    def _predict(
        self, pictures: Sequence[Picture], proposals: Sequence[Boxes] | None = None
    ) -> list[Result]:
        results: list[Result] = []
        for image_format, same in groupby(pictures, key=lambda picture: picture.format):
            group = list(same)
            start = len(results)
            boxes = None if proposals is None else proposals[start : start + len(group)]
            found = self._run([picture.pixels for picture in group], image_format, boxes)
            results += [
                self._result(one, picture) for one, picture in zip(found, group, strict=True)
            ]
        return results

    def _run(
        self,
        pixels: list[npt.NDArray[np.uint8]],
        image_format: str,
        proposals: Sequence[Boxes] | None,
    ) -> list[Found]:
        if isinstance(self._core, _core.TwoStageDetector):
            return [Found(*found) for found in self._core.run(pixels, image_format, proposals)]
        if proposals is not None:
            raise InputError(
                f"proposals: expected none, since {self.manifest.architecture} is no two-stage "
                "model"
            )
        return [
            Found(boxes, scores, labels, [])
            for boxes, scores, labels in self._core.run(pixels, image_format)
        ]


def _picture(image: Image, color: str) -> Picture:
    if isinstance(image, (str, os.PathLike)):
        return Picture(read_image(image), "bgr", os.fspath(image))
    pixels = check_image(image)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return Picture(pixels, {1: "gray", 3: color, 4: color + "a"}[channels])
