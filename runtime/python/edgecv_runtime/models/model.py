"""What every loaded model has in common: images in, results out."""

from __future__ import annotations

import os
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, overload

import numpy as np
import numpy.typing as npt

from edgecv_runtime import _core
from edgecv_runtime._core import Bundle, Engine, InputError, Manifest
from edgecv_runtime.forks import forks
from edgecv_runtime.images.check import check_image
from edgecv_runtime.images.nv12 import size_of_nv12
from edgecv_runtime.images.other_libraries import from_pillow, is_pillow
from edgecv_runtime.images.read import read_image
from edgecv_runtime.models.reopening import Origin, pickled, reopen_after_fork
from edgecv_runtime.results.result import Result as AnyResult

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

    from edgecv_runtime.models.tiles import Tiles
    from edgecv_runtime.sources.frames import Frame
    from edgecv_runtime.sources.resolve import SourceLike

    Image = str | os.PathLike[str] | npt.NDArray[np.uint8] | PillowImage
else:  # Pillow may be missing
    Image = str | os.PathLike[str] | npt.NDArray[np.uint8]
AnImage = TypeVar("AnImage", bound=Image)  # list is invariant: list[str] does not fit list[Image]
Result = TypeVar("Result", bound=AnyResult)


class InputImage(NamedTuple):
    """An image on its way into the core."""

    pixels: npt.NDArray[np.uint8]
    format: str  # of the core's PixelFormat
    source: str | None = None

    @property
    def color(self) -> str:
        """As results take it."""
        if self.format == "nv12":
            return "nv12"
        return "rgb" if self.format.startswith("rgb") else "bgr"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        if self.format == "nv12":
            return size_of_nv12(self.pixels)
        return self.pixels.shape[0], self.pixels.shape[1]


class State(NamedTuple):
    """The settings that one call works with."""

    core: Any  # the C++ pipeline, with its settings; changed by replacing it
    tiles: Tiles | None = None  # of detectors
    threshold: float = 0.0  # of classifiers


class Model(ABC, Generic[Result]):
    """A loaded model. Call it with an image; :func:`edgecv.load` makes it.

    Any number of threads may call one model and change its settings: a call works with the settings
    that it found when it began, and its results share no memory with the model. Calls that the
    engine cannot run at the same time wait for each other, without the GIL. Pickling a model
    pickles its path, options and settings; in a forked process it is loaded again, or refused. See
    docs/serving.md.

    Attributes:
        bundle, engines: what it runs; an engine for each role of the bundle's graphs.
        engine_name, device, precision: as :func:`edgecv.load` names them.
        names: the bundle's labels.
        steps: what `timing` measures, in the order of the work.
        origin: how it was loaded; None for a model made from engines that were open already.
    """

    # What may be set beside properties: a misspelt setting would be one without effect.
    bundle: Bundle
    engines: dict[str, Engine]
    engine_name: str
    precision: str
    names: list[str]
    device: str = "cpu"
    steps: tuple[str, ...] = ("preprocess", "network", "postprocess")
    warmup_size: ClassVar[tuple[int, int]] = (480, 640)  # where neither record nor graph names one
    origin: Origin | None = None
    _timing: Any = _core.Timing  # the class

    def __repr__(self) -> str:
        manifest = self.manifest
        classes = f", {len(self.names)} classes" if self.names else ""
        if len(self.names) == 1:
            classes = f", 1 class: {self.names[0]}"
        return (
            f"<{type(self).__name__} {manifest.name!r}: {manifest.architecture}{classes}, "
            f"{self.engine_name} on {self.device}, {self.precision}>"
        )

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
        self.names = list(bundle.manifest.labels)
        self._state = State(self._open(threads or 0))
        self._forks = forks.count
        self._lock = threading.Lock()  # held while settings are changed, never during a call
        self._own = threading.local()  # what is the calling thread's alone

    @abstractmethod
    def _open(self, threads: int) -> Any:
        """The C++ pipeline over `bundle` and `engines`."""

    @abstractmethod
    def _run(self, state: State, images: Sequence[InputImage], timing: Any) -> list[Result]:
        """A result for each image. `timing` is filled."""

    def settings(self) -> dict[str, Any]:
        """The attributes that a user may have set, by name."""
        return {}

    def __setattr__(self, name: str, value: Any) -> None:
        known = name.startswith("_") or hasattr(type(self), name)
        if not known and name not in Model.__annotations__:
            raise InputError(
                f"{name}: {type(self).__name__} has no such setting, only "
                f"{', '.join(self.settings())}"
            )
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return pickled(self)

    def _current(self) -> State:
        """The state for a call that begins now."""
        if self._forks != forks.count:
            self._reopen()
        return self._state

    def _reopen(self) -> None:
        with forks.lock:
            if self._forks == forks.count:
                return  # by another thread
            fresh = reopen_after_fork(self)
            self.bundle, self.engines, self._state = fresh.bundle, fresh.engines, fresh._state
            self._lock, self._own = threading.Lock(), threading.local()
            self._forks = forks.count

    @property
    def manifest(self) -> Manifest:
        return self.bundle.manifest

    @property
    def timing(self) -> Any:
        """Milliseconds of the last call that this thread made: for each of `steps` the attribute
        ``<step>_ms``; zeros where it made none."""
        return getattr(self._own, "timing", None) or self._timing()

    @overload
    def __call__(self, image: Image, color: str = "bgr") -> Result: ...
    @overload
    def __call__(
        self, image: list[AnImage] | tuple[AnImage, ...], color: str = "bgr"
    ) -> list[Result]: ...
    def __call__(
        self, image: Image | list[AnImage] | tuple[AnImage, ...], color: str = "bgr"
    ) -> Result | list[Result]:
        """Runs the model.

        Args:
            image: a path, uint8 ``[H, W, 3]`` (``[H, W]`` for gray, ``[H, W, 4]`` with alpha) or a
                Pillow image; or a list of these.
            color: order of an array's channels: ``"bgr"`` (OpenCV's) or ``"rgb"``. A Pillow
                image says it itself.

        Returns:
            One result for one image; for a list a list, each as the image alone gives it.

        Raises:
            InputError: a file that is not an image, an array of another dtype or shape.
            EngineError: the network failed, or gave NaN or infinity.
        """
        if isinstance(image, (list, tuple)):
            return self._predict(input_images(image, color))
        return self._predict(input_images([image], color))[0]

    @overload
    def stream(
        self,
        source: SourceLike,
        batch: int = 1,
        on_error: Literal["raise", "skip"] = "raise",
        latest: Literal[False] = False,
    ) -> Iterator[Result]: ...
    @overload
    def stream(
        self,
        source: SourceLike,
        batch: int = 1,
        on_error: Literal["raise", "skip"] = "raise",
        *,
        latest: Literal[True],
    ) -> Iterator[tuple[Frame, Result]]: ...
    def stream(
        self,
        source: SourceLike,
        batch: int = 1,
        on_error: Literal["raise", "skip"] = "raise",
        latest: bool = False,
    ) -> Iterator[Result] | Iterator[tuple[Frame, Result]]:
        """Results one after another, as the images come.

        Args:
            source: a folder, a glob, a file, a video, a camera, an address, or a list of these; see
                :func:`edgecv_runtime.sources.open_source`. With `latest` one camera or stream.
            batch: images that share a run of the network, where the graph allows it.
            on_error: what happens at an image, a part of a video or a camera that cannot be read:
                ``"raise"``, or ``"skip"``: a warning, and the stream goes on with the rest.
            latest: of a camera, run the newest frame each time, leave out those that came between,
                and open the camera again where it is lost, for as long as it takes. `batch` and
                `on_error` have no meaning then.

        Returns:
            An iterator of results, each with `source`, `frame` and `time_ms`. With `latest` of
            pairs: the :class:`~edgecv_runtime.sources.Frame` (its `image` is uint8 [H, W, 3], BGR)
            and its result, which has `age_ms`, too.

        Raises:
            InputError: with ``on_error="raise"``, a source or one of its images cannot be read, or
                a camera has gone. What came before was given. With `latest`, the camera could not
                be opened the first time.

        Example:
            >>> for result in model.stream("clip.mp4", on_error="skip"):
            ...     print(result.frame, result.time_ms, result.summary())
            >>> for frame, result in model.stream("rtsp://10.0.0.2/live", latest=True):
            ...     print(frame.index, result.age_ms, result.summary())
        """
        if not isinstance(batch, Integral) or batch < 1:
            raise InputError(f"batch: expected a whole number above 0, got {batch!r}")
        if on_error not in ("raise", "skip"):
            raise InputError(f'on_error: expected "raise" or "skip", got {on_error!r}')
        if latest:
            from edgecv_runtime.models.newest import newest_frames

            return newest_frames(self, source)
        return self._every_frame(source, batch, on_error)

    def _every_frame(self, source: SourceLike, batch: int, on_error: str) -> Iterator[Result]:
        from edgecv_runtime.sources.frames import Failure
        from edgecv_runtime.sources.resolve import open_source

        waiting: list[Frame] = []
        for frame in open_source(source):
            if isinstance(frame, Failure):
                yield from self.predict_frames(waiting)
                waiting = []
                if on_error == "raise":
                    raise frame.error
                warnings.warn(f"skipped: {frame.error}", stacklevel=2)
                continue
            waiting.append(frame)
            if len(waiting) >= batch:
                yield from self.predict_frames(waiting)
                waiting = []
        yield from self.predict_frames(waiting)

    def predict_frames(self, frames: Sequence[Frame]) -> list[Result]:
        """Results of frames that a source gave, with the frames' numbers and times."""
        images = [InputImage(frame.pixels, frame.format, frame.name) for frame in frames]
        results = self._predict(images)
        for result, frame in zip(results, frames, strict=True):
            result.frame, result.time_ms = frame.index, frame.time_ms
            result.play_ms, result.captured_at = frame.play_ms, frame.captured_at
        return results

    def warmup(self, runs: int = 2) -> None:
        """Runs the network on an empty image, so that the first real one is not slow."""
        height, width = self._warmup_size()
        for _ in range(runs):
            self._warm_up_with(InputImage(np.zeros((height, width, 3), np.uint8), "bgr"))

    def _warmup_size(self) -> tuple[int, int]:
        """Height and width of an image that the network takes."""
        record, graphs = self.manifest.input, self.manifest.graphs
        if record.size is not None:
            return record.size
        shape = (graphs.get("main") or graphs["trunk"])[0].inputs[0].shape
        sides = shape[1:3] if record.layout == "nhwc" else shape[2:4]
        height, width = (
            side if side > 0 else usual for side, usual in zip(sides, self.warmup_size, strict=True)
        )
        return height, width

    def _warm_up_with(self, image: InputImage) -> None:
        self._predict([image])

    def _predict(self, images: Sequence[InputImage], *options: Any) -> list[Result]:
        """`options` are the task's own, for `_run`."""
        if not images:
            return []
        timing = self._timing()
        results = self._run(self._current(), images, timing, *options)
        self._own.timing = timing
        for result in results:
            result.engine = self.engine_name
        return results


def pixels_and_formats(
    images: Sequence[InputImage],
) -> tuple[list[npt.NDArray[np.uint8]], list[str]]:
    """Images as the core takes them."""
    return [image.pixels for image in images], [image.format for image in images]


def input_images(images: Sequence[Image], color: str) -> list[InputImage]:
    """Reads and checks what a model was called with. Raises InputError."""
    if color not in ("bgr", "rgb"):
        raise InputError(f'color: expected "bgr" or "rgb", got "{color}"')
    return [_input_image(image, color) for image in images]


def _input_image(image: Image, color: str) -> InputImage:
    if isinstance(image, (str, os.PathLike)):
        return InputImage(read_image(image), "bgr", os.fspath(image))
    if is_pillow(image):
        image, color = from_pillow(image), "rgb"
    pixels = check_image(image)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return InputImage(pixels, {1: "gray", 3: color, 4: color + "a"}[channels])
