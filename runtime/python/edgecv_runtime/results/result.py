"""What every result has in common: one image, drawn on, summed up, written to files."""

from __future__ import annotations

import copy
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import EngineError, InputError
from edgecv_runtime.files.whole import write_file
from edgecv_runtime.images.check import check_image
from edgecv_runtime.images.nv12 import bgr_of_nv12, size_of_nv12
from edgecv_runtime.images.other_libraries import from_pillow, is_pillow
from edgecv_runtime.opencv import import_cv2

Item = TypeVar("Item")
Self = TypeVar("Self", bound="ScoredResult[Any]")

# What picks several parts of a result, as in NumPy.
Several = slice | Sequence[int] | Sequence[bool] | NDArray[Any]


class Result(ABC):
    """What a model made of one image.

    Attributes:
        names: the model's labels.
        image_size: height and width of the image in pixels.
        source: the file or stream that the image came from; None for an array.
        image: the image, for `plot`; held, not copied. A camera's NV12 image becomes BGR when it is
            first asked for.
        color: the order of its channels, "bgr" or "rgb"; a fourth one is alpha.
        frame: number of the frame in its video or stream, or of the file among the files, from 0;
            None outside `Model.stream`.
        time_ms: milliseconds since the video's start or the camera's opening; None for others.
        play_ms: the same by the stream's own clock; None for others.
        captured_at: when the image was read, in seconds since 1970; None for others.
        source_index: of the source among those of `edgecv.Live`; None outside it.
        age_ms: milliseconds from the reading of the image to this result; None outside
            `edgecv.Live` and ``Model.stream(latest=True)``.
        engine: the engine that ran the network, as `edgecv.load` names it; None for a result that
            no model made.
        suffixes: of the files that `save_files` writes.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jpg", ".json")
    image: NDArray[np.uint8] | None

    def __init__(
        self,
        names: Sequence[str],
        image: NDArray[np.uint8] | None = None,
        color: str = "bgr",
        source: str | None = None,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        if color == "nv12":  # `image` is made when it is asked for
            self._nv12 = image
        if image_size is None:
            if image is None:
                raise InputError(f"{type(self).__name__}: expected the image or its image_size")
            image_size = size_of_nv12(image) if color == "nv12" else image.shape[:2]
        self.names = list(names)
        self.image_size = (image_size[0], image_size[1])
        self.source = source
        if color != "nv12":
            self.image = image
        self.color = "bgr" if color == "nv12" else color
        self.frame: int | None = None
        self.time_ms: float | None = None
        self.play_ms: float | None = None
        self.captured_at: float | None = None
        self.source_index: int | None = None
        self.age_ms: float | None = None
        self.engine: str | None = None

    if not TYPE_CHECKING:  # it would let any misspelt attribute pass

        def __getattr__(self, name: str) -> Any:
            nv12 = self.__dict__.get("_nv12") if name == "image" else None
            if nv12 is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.image, self._nv12 = bgr_of_nv12(nv12), None
            return self.image

    def __repr__(self) -> str:
        height, width = self.image_size
        where = f" on {self.source!r}" if self.source else ""
        return f"<{type(self).__name__}: {self.summary()}{where}, {width} x {height} pixels>"

    @abstractmethod
    def summary(self) -> str:
        """What it is in a few words, for a line of a log."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the schema is described in docs/python.md."""

    def _of_the_image(self) -> dict[str, Any]:
        """How `to_dict` begins."""
        height, width = self.image_size
        return {"source": self.source, "height": height, "width": width}

    @abstractmethod
    def _draw(self, image: NDArray[np.uint8], labels: bool) -> NDArray[np.uint8]:
        """On a copy of uint8 [H, W, 3], BGR."""

    def plot(
        self, image: NDArray[np.uint8] | None = None, *, labels: bool = True
    ) -> NDArray[np.uint8]:
        """Draws the result on a copy of the image.

        Args:
            image: uint8 [H, W, 3] or [H, W, 4] in BGR order, or [H, W]; without it the image that
                the model was given.
            labels: whether names are written.

        Returns:
            uint8 [H, W, 3], BGR.

        Raises:
            InputError: there is no image, or one of another size.
            EngineError: OpenCV is not installed.
        """
        return self._draw(self._canvas_of(image), labels)

    def _canvas_of(self, image: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        """The image to draw on, uint8 [H, W, 3] BGR, given or held."""
        color = "bgr"
        if image is None:
            image, color = self.image, self.color
        if image is None:
            raise InputError("this result holds no image: give one, plot(image)")
        if is_pillow(image):
            image, color = from_pillow(image), "rgb"
        image = check_image(image)
        if image.shape[:2] != self.image_size:
            raise InputError(
                f"this result belongs to an image of {list(self.image_size)} (height, width), "
                f"got one of {list(image.shape[:2])}"
            )
        if image.ndim == 2:
            return np.repeat(image[:, :, None], 3, axis=2)
        return image[:, :, 2::-1] if color == "rgb" else image[:, :, :3]

    def save(self, path: str | os.PathLike[str], **drawing: Any) -> None:
        """Writes JSON (as `to_dict`) or an image (as `plot`), by the suffix.

        Args:
            path: a file whose suffix says the format.
            drawing: what `plot` takes beside an image, such as ``labels=False``.

        Raises:
            InputError: no format of that suffix, no image to draw on, or drawing options for JSON.
            OSError: the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() == ".json":
            if drawing:
                raise InputError(
                    f"{path}: nothing is drawn in JSON: leave out {next(iter(drawing))}"
                )
            self._save_json(path, self.to_dict())
            return
        self._save_image(path, drawing)

    def _save_image(self, path: Path, drawing: dict[str, Any]) -> None:
        cv2 = import_cv2()
        # Not the name itself: OpenCV ends the process on one that is not UTF-8.
        if not path.suffix.isascii() or not cv2.haveImageWriter(f"image{path.suffix}"):
            raise InputError(f"{path}: expected a suffix such as .jpg, .png or .json")
        ok, data = cv2.imencode(path.suffix, self.plot(**drawing))
        if not ok:
            raise InputError(f"{path}: OpenCV cannot write this image as {path.suffix}")
        _write(path, data.tobytes())

    @staticmethod
    def _save_json(path: Path, record: dict[str, Any]) -> None:
        _write(path, json.dumps(record, indent=1) + "\n")

    def save_files(
        self,
        stem: str | os.PathLike[str],
        record: dict[str, Any] | None = None,
        **drawing: Any,
    ) -> None:
        """Writes all there is: `stem` with each of `suffixes` behind it.

        Args:
            stem: a path without suffix; its folder is made if need be.
            record: what the JSON file gets in place of `to_dict()`.
            drawing: what `plot` takes beside an image.
        """
        stem = os.fspath(stem)
        Path(stem).parent.mkdir(parents=True, exist_ok=True)
        self._save_json(Path(f"{stem}.json"), self.to_dict() if record is None else record)
        self._save_image(Path(f"{stem}.jpg"), drawing)


class ScoredResult(Result, Generic[Item]):
    """A result whose parts have scores, so that a threshold can be put on them.

    ``len(result)`` says how many there are, ``result[0]`` and a loop give them one by one, and
    ``result[:3]``, ``result[result.scores > 0.8]`` or ``result[[0, 2]]`` a result of some.

    Attributes, beside those of :class:`Result`:
        scores: float32 [N].
    """

    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def filter(self: Self, threshold: float) -> Self:
        """Those with a score of at least `threshold`, 0..1. Raises InputError for other numbers."""
        return self._some(self.scores >= np.float32(as_score(threshold, "threshold")))

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self: Self, index: Several) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"index {index} is out of range: the result has {len(self)} items")
            return self._item(int(index) % len(self))
        return self._some(index)

    def __iter__(self) -> Iterator[Item]:
        return (self._item(index) for index in range(len(self)))

    def _some(self: Self, index: Several) -> Self:
        """A result of the parts that `index` picks, which shares no array but the image with this
        one. Raises IndexError."""
        picked = copy.copy(self)
        picked.names = list(self.names)
        picked._keep(np.arange(len(self))[index])
        return picked

    @abstractmethod
    def _item(self, index: int) -> Item:
        """The part with this index, 0 to below len(self)."""

    @abstractmethod
    def _keep(self, keep: NDArray[np.int64]) -> None:
        """Drops all others; arrays are replaced, not written to."""

    def plot(
        self,
        image: NDArray[np.uint8] | None = None,
        threshold: float | None = None,
        *,
        labels: bool = True,
    ) -> NDArray[np.uint8]:
        """Draws what was found on a copy of the image.

        Args:
            image: uint8 [H, W, 3] or [H, W, 4] in BGR order, or [H, W]; without it the image that
                the model was given.
            threshold: lowest score to draw, 0..1; without it all that the result holds is drawn.
            labels: whether names and scores are written.

        Returns:
            uint8 [H, W, 3], BGR.

        Raises:
            InputError: there is no image, or one of another size.
            EngineError: OpenCV is not installed.
        """
        shown = self if threshold is None else self.filter(threshold)
        return shown._draw(self._canvas_of(image), labels)

    def save(
        self, path: str | os.PathLike[str], threshold: float | None = None, **drawing: Any
    ) -> None:
        """Writes JSON (as `to_dict`) or an image (as `plot`), by the suffix.

        Args:
            path: a file whose suffix says the format.
            threshold: lowest score to write, 0..1; without it all that the result holds is written.
            drawing: what `plot` takes beside these, such as ``labels=False``.

        Raises:
            InputError: no format of that suffix, no image to draw on, or drawing options for JSON.
            OSError: the file cannot be written.
        """
        if threshold is None:
            super().save(path, **drawing)
        else:
            self.filter(threshold).save(path, **drawing)


def _write(path: Path, content: bytes | str) -> None:
    """Raises OSError; a folder that is not there is not made."""
    path.parent.stat()
    write_file(path, content, sync=False)


def import_supervision() -> Any:
    """The module supervision. Raises EngineError if there is none."""
    try:
        import supervision
    except ImportError as error:
        raise EngineError("to_supervision needs supervision: pip install supervision") from error
    return supervision


def as_score(value: Any, name: str) -> float:
    """Raises InputError unless it is a number from 0 to 1; `name` is what the caller calls it."""
    score = float(value) if isinstance(value, Real) else np.nan
    if not 0 <= score <= 1:
        raise InputError(f"{name}: expected a number from 0 to 1, got {value!r}")
    return score


def shortest(value: np.float32) -> float:
    """The float with the fewest digits that is this float32: 0.9, not 0.8999999761581421."""
    return float(str(value))
