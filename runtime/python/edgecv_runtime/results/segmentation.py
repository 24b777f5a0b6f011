"""The class of each pixel of one image."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, overload

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.drawing.boxes import draw_legend
from edgecv_runtime.drawing.lettering import drawable_names
from edgecv_runtime.drawing.palette import class_colors
from edgecv_runtime.files.whole import write_file
from edgecv_runtime.images.indexed_png import encode_indexed_png
from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.results.result import Result, import_supervision

_OPACITY = 0.5  # of a class's colour over the image
_LONGEST_LEGEND = 12


@dataclass(frozen=True)
class ClassArea:
    """One class of a class map.

    Attributes:
        label: index of the model's labels.
        name: that label's name.
        pixels: how many pixels have it.
        fraction: of the image, above 0, at most 1.
    """

    label: int
    name: str
    pixels: int
    fraction: float


class Segmentation(Result):
    """A class map.

    ``len(result)`` says how many classes occur; ``result[0]`` and a loop give them, the largest
    first, as :class:`ClassArea`.

    Attributes, beside those of :class:`Result`:
        mask: uint8 [H, W], indices of `names`; uint16 where there are more than 256.
        probabilities: float32 [C, H, W] where they were asked for, else None.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jpg", ".json", ".png")

    def __init__(
        self,
        mask: NDArray[np.uint8] | NDArray[np.uint16],
        names: Sequence[str],
        probabilities: NDArray[np.float32] | None = None,
        image: NDArray[np.uint8] | None = None,
        color: str = "bgr",
        source: str | None = None,
    ) -> None:
        super().__init__(names, image, color, source, mask.shape[:2])
        self.mask = mask
        self.probabilities = probabilities

    def _shares(self) -> list[tuple[int, int]]:
        """The labels that are there with their numbers of pixels, the largest first."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.names))
        order = np.argsort(-counts, kind="stable")
        return [(int(label), int(counts[label])) for label in order if counts[label]]

    def __len__(self) -> int:
        return len(self._shares())

    @overload
    def __getitem__(self, index: int) -> ClassArea: ...
    @overload
    def __getitem__(self, index: slice) -> list[ClassArea]: ...
    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[ClassArea]:
        return (
            ClassArea(label, self.names[label], count, count / self.mask.size)
            for label, count in self._shares()
        )

    def _captions(
        self, shares: Sequence[tuple[int, int]], names: Sequence[str] | None = None
    ) -> list[str]:
        names = self.names if names is None else names
        return [f"{names[label]} {_percent(count / self.mask.size)}" for label, count in shares]

    def summary(self) -> str:
        """Like "road 43 %, sky 21 %": the four largest classes, and the rest as "others"."""
        shares = self._shares()
        parts = self._captions(shares[:4])
        if rest := sum(count for _, count in shares[4:]):
            parts.append(f"others {_percent(rest / self.mask.size)}")
        return ", ".join(parts)

    def colors(self) -> list[tuple[int, int, int]]:
        """The colour of each label in images, as B, G, R; a label called background is black."""
        colors = class_colors(len(self.names))
        return [
            (0, 0, 0) if _is_background(name) else color
            for name, color in zip(self.names, colors, strict=True)
        ]

    def _draw(self, image: NDArray[np.uint8], labels: bool) -> NDArray[np.uint8]:
        """Tinted by class, the background left as it is, with the largest classes' names."""
        cv2 = import_cv2()
        table = np.array(self.colors(), np.uint8)
        canvas: NDArray[np.uint8] = cv2.addWeighted(
            np.ascontiguousarray(image), 1 - _OPACITY, table[self.mask], _OPACITY, 0
        )
        for label, name in enumerate(self.names):
            if _is_background(name):
                cv2.copyTo(
                    np.ascontiguousarray(image), (self.mask == label).astype(np.uint8), canvas
                )
        if not labels:
            return canvas
        shares = self._shares()[:_LONGEST_LEGEND]
        present = [label for label, _ in shares]
        texts = self._captions(shares, drawable_names(self.names, present))
        draw_legend(canvas, texts, [tuple(table[label].tolist()) for label in present])
        return canvas

    def save_mask(self, path: str | os.PathLike[str]) -> None:
        """Writes the class map as a PNG file whose values are the labels.

        Up to 256 labels: 8 bits with a palette, as Pascal VOC's (Pillow gives the labels, OpenCV
        the colours); above: 16-bit grey.

        Raises:
            InputError: another suffix than ``.png``.
            OSError: the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise InputError(f"{path}: a class map is written as .png, which keeps its values")
        if self.mask.dtype == np.uint8:
            content = encode_indexed_png(self.mask.astype(np.uint8), self.colors())
            write_file(path, content, sync=False)
            return
        _, data = import_cv2().imencode(".png", self.mask)
        write_file(path, data.tobytes(), sync=False)

    def save_files(
        self,
        stem: str | os.PathLike[str],
        record: dict[str, Any] | None = None,
        **drawing: Any,
    ) -> None:
        super().save_files(stem, record, **drawing)
        self.save_mask(f"{os.fspath(stem)}.png")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the classes by falling area; docs/python.md describes them."""
        return {
            **self._of_the_image(),
            "classes": [
                {
                    "label": label,
                    "name": self.names[label],
                    "pixels": count,
                    "fraction": round(count / self.mask.size, 6),
                }
                for label, count in self._shares()
            ],
        }

    def to_supervision(self) -> Any:
        """A supervision.Detections with a mask and a box for each class that occurs, the largest
        first, and the names in data["class_name"].

        A class called background is left out, as in `plot`. The boxes enclose the masks: x2 and y2
        are those of the pixels' right and lower edges.

        Raises:
            EngineError: the package supervision is not installed.
        """
        areas = [area for area in self if not _is_background(area.name)]
        masks = np.zeros((len(areas), *self.mask.shape), np.bool_)
        boxes = np.zeros((len(areas), 4), np.float32)
        for mask, box, area in zip(masks, boxes, areas, strict=True):
            mask[...] = self.mask == area.label
            (rows,), (columns,) = mask.any(axis=1).nonzero(), mask.any(axis=0).nonzero()
            box[...] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        return import_supervision().Detections(
            xyxy=boxes,
            mask=masks,
            class_id=np.array([area.label for area in areas], np.int64),
            data={"class_name": np.array([area.name for area in areas], dtype=str)},
        )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %" if fraction >= 0.01 else "<1 %"


def _is_background(name: str) -> bool:
    return name.strip("_").lower() == "background"
