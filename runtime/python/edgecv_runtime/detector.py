"""Pictures in, boxes out: the Python face of the C++ pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from edgecv_runtime import _core
from edgecv_runtime._core import Bundle, Engine, InputError, Manifest, Timing
from edgecv_runtime.images import check_image, read_image
from edgecv_runtime.results import Detections

if TYPE_CHECKING:
    from edgecv_runtime.sources import SourceLike

Image = str | os.PathLike[str] | npt.NDArray[np.uint8]


class _Picture(NamedTuple):
    pixels: npt.NDArray[np.uint8]
    format: str  # of the core's PixelFormat
    source: str | None = None


class Detector:
    """A loaded detector. Call it with a picture; :func:`edgecv.load` makes it.

    Not thread-safe: give each thread its own.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        engine_name: str,
        precision: str,
        threads: int | None = None,
    ) -> None:
        self.bundle = bundle
        self.engine = engine
        self.engine_name = engine_name
        self.precision = precision
        self.names: list[str] = list(bundle.manifest.labels)
        self._core = _core.Detector(bundle, engine, threads or 0)
        self._thresholds = {
            name: bundle.manifest.postprocess.score_threshold for name in self.names
        }

    @property
    def manifest(self) -> Manifest:
        return self.bundle.manifest

    @property
    def timing(self) -> Timing:
        """Milliseconds of the last call: preprocess_ms, network_ms, postprocess_ms."""
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
    def __call__(self, image: Image, color: str = "bgr") -> Detections: ...
    @overload
    def __call__(
        self, image: list[Image] | tuple[Image, ...], color: str = "bgr"
    ) -> list[Detections]: ...
    def __call__(
        self, image: Image | list[Image] | tuple[Image, ...], color: str = "bgr"
    ) -> Detections | list[Detections]:
        """Finds objects.

        Args:
            image: a path, or uint8 ``[H, W, 3]`` (``[H, W]`` for gray, ``[H, W, 4]`` with alpha);
                or a list of these.
            color: order of an array's channels: ``"bgr"`` (as OpenCV has it) or ``"rgb"``.

        Returns:
            One result for one picture; for a list a list, each as the picture alone gives it.

        Raises:
            InputError: a file that is no picture, an array of another dtype or shape.
            EngineError: the network failed, or gave NaN or infinity.
        """
        if color not in ("bgr", "rgb"):
            raise InputError(f'color: expected "bgr" or "rgb", got "{color}"')
        if isinstance(image, (list, tuple)):
            return self._detect([_picture(one, color) for one in image])
        return self._detect([_picture(image, color)])[0]

    def stream(self, source: SourceLike, batch: int = 1) -> Iterator[Detections]:
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

        waiting: list[_Picture] = []
        for frame in open_source(source):
            if isinstance(frame, Failure):
                yield from self._detect(waiting)
                raise frame.error
            waiting.append(_Picture(frame.image, "bgr", frame.name))
            if len(waiting) >= batch:
                yield from self._detect(waiting)
                waiting = []
        yield from self._detect(waiting)

    def warmup(self, runs: int = 2) -> None:
        """Runs the network on an empty picture, so that the first real one is not slow."""
        size = self.manifest.input.size or (480, 640)
        for _ in range(runs):
            self._detect([_Picture(np.zeros((*size, 3), np.uint8), "bgr")])

    def _detect(self, pictures: Sequence[_Picture]) -> list[Detections]:
        results: list[Detections] = []
        for image_format, same in groupby(pictures, key=lambda picture: picture.format):
            group = list(same)
            found = self._core.run([picture.pixels for picture in group], image_format)
            results += [
                Detections(
                    boxes,
                    scores,
                    labels,
                    self.names,
                    image_size=picture.pixels.shape[:2],
                    source=picture.source,
                    image=picture.pixels,
                    color="rgb" if image_format.startswith("rgb") else "bgr",
                )
                for (boxes, scores, labels), picture in zip(found, group, strict=True)
            ]
        return results


def _picture(image: Image, color: str) -> _Picture:
    if isinstance(image, (str, os.PathLike)):
        return _Picture(read_image(image), "bgr", os.fspath(image))
    pixels = check_image(image)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return _Picture(pixels, {1: "gray", 3: color, 4: color + "a"}[channels])
