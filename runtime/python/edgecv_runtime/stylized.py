"""A picture that a style network painted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.picture_files import save_picture


class Stylized:
    """A painted picture.

    Attributes:
        image: uint8 [H, W, 3], BGR, of the size of the picture that the model was given.
        source: the file or stream that the picture came from; None for an array.
    """

    def __init__(self, image: NDArray[np.uint8], source: str | None = None) -> None:
        self.image = image
        self.source = source

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    def __repr__(self) -> str:
        where = f" from {self.source!r}" if self.source else ""
        return f"<Stylized: {self.summary()}{where}>"

    def summary(self) -> str:
        """Like "painted, 1920 x 1080 pixels" (width x height)."""
        height, width = self.image_size
        return f"painted, {width} x {height} pixels"

    def plot(self) -> NDArray[np.uint8]:
        """The painted picture, uint8 [H, W, 3], BGR; not a copy."""
        return self.image

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture, or JSON as `to_dict` has it, by the suffix.

        Raises:
            InputError: no format of that suffix.
            EngineError: OpenCV is not installed.
            OSError: the file cannot be written.
        """
        if Path(path).suffix.lower() == ".json":
            text = json.dumps(self.to_dict(), indent=1) + "\n"
            Path(path).write_text(text, encoding="utf-8")
            return
        save_picture(path, self.image)

    def to_dict(self) -> dict[str, Any]:
        """`source`, `height` and `width`; the pixels are for a picture file."""
        height, width = self.image_size
        return {"source": self.source, "height": height, "width": width}
