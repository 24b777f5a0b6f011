"""Readers of images and videos."""

from __future__ import annotations

from pathlib import Path

from edgecv_runtime import Error
from edgecv_runtime.images.read import read_image
from edgecv_runtime.sources import Failure, open_source
from fuzz.reader import Reader, image

_VIDEOS = Path(__file__).parents[1] / "golden" / "videos"
_SUFFIXES = (".jpg", ".png", ".bmp", ".tif", ".webp", ".ppm", ".jp2", ".gif", ".avif")
_MOST_FRAMES = 40


def _video(name: str, seeds: list[str]) -> Reader:
    def read(folder: Path) -> object:
        for number, frame in enumerate(open_source(folder / name)):
            if isinstance(frame, Failure):
                raise frame.error if isinstance(frame.error, Error) else AssertionError(frame.error)
            if number == _MOST_FRAMES:
                break
        return None

    return Reader(name, [(_VIDEOS / seed).read_bytes() for seed in seeds], read)


READERS = {
    "image": Reader(
        "image",
        [*map(image, _SUFFIXES), image(".png", 16), image(".tif", 16)],
        lambda folder: read_image(folder / "image"),
    ),
    "mp4": _video("x.mp4", ["reordered.mp4", "interlaced.mp4", "leading.mp4", "av1.mp4"]),
    "mkv": _video("x.mkv", ["uneven.mkv", "sizes_vp8.mkv"]),
    "ts": _video("x.ts", ["interlaced.ts", "sizes_h264.ts"]),
}
