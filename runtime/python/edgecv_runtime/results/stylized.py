"""An image in the style of a network."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import InputError
from edgecv_runtime.results.result import Result


class Stylized(Result):
    """An image in another style.

    Attributes, beside those of :class:`Result`:
        image: the stylized image itself, uint8 [H, W, 3], BGR, of the size of the image that the
            model was given.
    """

    image: NDArray[np.uint8]

    def __init__(self, image: NDArray[np.uint8], source: str | None = None) -> None:
        super().__init__([], image, "bgr", source)

    def summary(self) -> str:
        return "stylized"

    def plot(
        self, image: NDArray[np.uint8] | None = None, *, labels: bool = True
    ) -> NDArray[np.uint8]:
        """A copy of the stylized image, uint8 [H, W, 3], BGR; nothing is drawn on `image`."""
        return np.array(self.image)

    def _draw(self, image: NDArray[np.uint8], labels: bool) -> NDArray[np.uint8]:
        return np.array(self.image)

    def to_dict(self) -> dict[str, Any]:
        """`source`, `height` and `width`; the pixels are for an image file."""
        return self._of_the_image()

    def to_supervision(self) -> NoReturn:
        """Raises InputError: a stylized image has no objects to convert."""
        raise InputError(
            "to_supervision: a stylized image has no boxes, masks or classes; take result.image"
        )
