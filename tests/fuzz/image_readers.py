"""Readers of images."""

from __future__ import annotations

from edgecv_runtime.images.read import read_image
from fuzz.reader import Reader, image

_SUFFIXES = (".jpg", ".png", ".bmp", ".tif", ".webp", ".ppm", ".jp2", ".gif", ".avif")

READERS = {
    "image": Reader(
        "image",
        [*map(image, _SUFFIXES), image(".png", 16), image(".tif", 16)],
        lambda folder: read_image(folder / "image"),
    ),
}
