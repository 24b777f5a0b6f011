"""The class of each pixel of one picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.drawing import draw_legend
from edgecv_runtime.indexed_png import encode_indexed_png
from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.palette import class_colors
from edgecv_runtime.result import Result

_OPACITY = 0.5  # of a class's colour over the picture
_LONGEST_LEGEND = 12


class Segmentation(Result):
    """A class map.

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

    def _captions(self, shares: Sequence[tuple[int, int]]) -> list[str]:
        return [
            f"{self.names[label]} {_percent(count / self.mask.size)}" for label, count in shares
        ]

    def summary(self) -> str:
        """Like "road 43 %, sky 21 %": the four largest classes, and the rest as "others"."""
        shares = self._shares()
        parts = self._captions(shares[:4])
        if rest := sum(count for _, count in shares[4:]):
            parts.append(f"others {_percent(rest / self.mask.size)}")
        return ", ".join(parts)

    def colors(self) -> list[tuple[int, int, int]]:
        """The colour of each label in pictures, as B, G, R; a label called background is black."""
        colors = class_colors(len(self.names))
        return [
            (0, 0, 0) if _is_background(name) else color
            for name, color in zip(self.names, colors, strict=True)
        ]

    def _draw(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
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
        shares = self._shares()[:_LONGEST_LEGEND]
        draw_legend(
            canvas, self._captions(shares), [tuple(table[label].tolist()) for label, _ in shares]
        )
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
            path.write_bytes(encode_indexed_png(self.mask.astype(np.uint8), self.colors()))
            return
        _, data = import_cv2().imencode(".png", self.mask)
        path.write_bytes(data.tobytes())

    def save_files(
        self, stem: str | os.PathLike[str], record: dict[str, Any] | None = None
    ) -> None:
        super().save_files(stem, record)
        self.save_mask(f"{os.fspath(stem)}.png")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the classes by falling area; docs/python.md describes them."""
        height, width = self.image_size
        return {
            "source": self.source,
            "height": height,
            "width": width,
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


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %" if fraction >= 0.01 else "<1 %"


def _is_background(name: str) -> bool:
    return name.strip("_").lower() == "background"
