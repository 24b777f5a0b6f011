"""Where pictures come from: files, folders, videos, cameras and streams, behind one iterator."""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime._core import Error, InputError
from edgecv_runtime.images import read_image
from edgecv_runtime.opencv import import_cv2, opencv_has

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm"}
    | {".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
VIDEO_SUFFIXES = frozenset(
    {".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"}
    | {".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
_NETWORK_SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "tcp", "udp")

SourceLike = Union[str, int, "os.PathLike[str]", Sequence[Union[str, int, "os.PathLike[str]"]]]


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture."""

    name: str  # the file's path, or the video or camera as it was given
    image: NDArray[np.uint8]  # [H, W, 3], BGR
    index: int  # of the frame in its video, of the file among the files
    time_ms: float | None = None  # since the video's start or the camera's opening; None for files


@dataclass(frozen=True)
class Failure:
    """What stands in the place of a picture that could not be read."""

    name: str
    error: Error
    index: int


@dataclass(frozen=True)
class Images:
    """Image files, in the order in which they are read."""

    paths: tuple[Path, ...]
    root: Path  # the folder that holds all of them

    def __iter__(self) -> Iterator[Frame | Failure]:
        for index, path in enumerate(self.paths):
            try:
                yield Frame(str(path), read_image(path), index)
            except InputError as error:
                yield Failure(str(path), error, index)


@dataclass(frozen=True)
class Video:
    """A video file, a camera or a stream, opened when the iteration begins."""

    name: str
    target: str | int  # what OpenCV opens: a path, an address, a camera's number, a pipeline
    live: bool  # without an end of its own
    gstreamer: bool = False

    def __iter__(self) -> Iterator[Frame | Failure]:
        index = 0
        capture = None
        try:
            capture = self._open()
            rate = _positive(capture.get(import_cv2().CAP_PROP_FPS))
            started = time.monotonic()
            while True:
                ok, image = capture.read()
                if not ok:
                    break
                time_ms = (
                    (time.monotonic() - started) * 1000
                    if self.live
                    else _position_ms(capture, index, rate)
                )
                yield Frame(self.name, _three_channels(image), index, time_ms)
                index += 1
            self._check_end(capture, index)
        except InputError as error:
            yield Failure(self.name, error, index)
        finally:
            if capture is not None:
                capture.release()

    def probe(self) -> tuple[float | None, int | None]:
        """Frames per second and number of frames as the file announces them, else None."""
        if self.live:
            return None, None
        capture = self._open()
        cv2 = import_cv2()
        rate = _positive(capture.get(cv2.CAP_PROP_FPS))
        count = _positive(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        return rate, None if count is None else int(count)

    def _open(self) -> Any:
        cv2 = import_cv2()
        if self.gstreamer and not opencv_has("GStreamer"):
            raise InputError(
                f"{self.name}: this OpenCV ({cv2.__version__}) is built without GStreamer: use the "
                "system's OpenCV (apt install python3-opencv; JetPack brings one)"
            )
        backend = cv2.CAP_GSTREAMER if self.gstreamer else cv2.CAP_ANY
        try:
            capture = cv2.VideoCapture(self.target, backend)
        except cv2.error as error:
            raise InputError(f"{self.name}: cannot be opened: {error}") from error
        if not capture.isOpened():
            capture.release()
            raise InputError(f"{self.name}: cannot be opened: {self._advice()}")
        return capture

    def _advice(self) -> str:
        if isinstance(self.target, int):
            return "is the camera plugged in, free, and readable for you (group video)?"
        if self.live:
            return "is the address right and the device or server reachable?"
        return "no video of a kind that this OpenCV reads, or a broken one"

    def _check_end(self, capture: Any, frames: int) -> None:
        if self.live:
            raise InputError(
                f"{self.name}: no more pictures after {frames} frames: "
                "the camera or stream has gone; reconnect it and start again"
            )
        if frames == 0:
            raise InputError(f"{self.name}: not one frame can be decoded: the video is broken")
        announced = _positive(capture.get(import_cv2().CAP_PROP_FRAME_COUNT))
        # The announced number is often an estimate from duration and rate.
        if announced is not None and frames < 0.9 * announced - 2:
            raise InputError(
                f"{self.name}: ends after {frames} of {int(announced)} frames: "
                "the video is truncated or broken there"
            )


def open_source(source: SourceLike) -> Iterator[Frame | Failure]:
    """Reads pictures from wherever they come.

    Args:
        source: an image or video file; a folder (its images, in natural order: 2 before 10); a glob
            such as "shots/**/*.png"; a camera's number (0 or "0"); "v4l2:///dev/video0"; an
            address "rtsp://…", "http://…"; with an OpenCV that has GStreamer also "csi://0"
            (a Jetson's camera) and "gst://<pipeline>" ending in appsink; or a list of these.

    Returns:
        An iterator of Frame. A file, video or camera that cannot be read, or that ends early, gives
        a Failure in its place, and the iteration goes on with the next.

    Raises:
        InputError: at once, if a path does not exist, a folder or glob holds no image, or the
            source is of an unknown kind.
    """
    return _frames(resolve_source(source))


def _frames(parts: Sequence[Images | Video]) -> Iterator[Frame | Failure]:
    for part in parts:
        yield from part


def resolve_source(source: SourceLike) -> list[Images | Video]:
    """What open_source reads, found but not opened; neighbouring image files become one part."""
    entries = list(source) if isinstance(source, (list, tuple)) else [source]
    if not entries:
        raise InputError("no source given: expected a file, folder, glob, camera or address")
    parts: list[Images | Video] = []
    files: list[Path] = []
    for entry in entries:
        found = _resolve_one(entry)
        if isinstance(found, Video):
            parts += _as_images(files)
            files = []
            parts.append(found)
            continue
        for path in found:
            if path.suffix.lower() in VIDEO_SUFFIXES:
                parts += _as_images(files)
                files = []
                parts.append(Video(str(path), str(path), live=False))
            else:
                files.append(path)
    return parts + _as_images(files)


def _as_images(files: list[Path]) -> list[Images | Video]:
    if not files:
        return []
    root = Path(os.path.commonpath([os.path.abspath(path.parent) for path in files]))
    return [Images(tuple(files), root)]


def _resolve_one(source: Any) -> list[Path] | Video:
    if isinstance(source, bool) or not isinstance(source, (str, int, os.PathLike)):
        raise InputError(
            f"a source is a path, an address, a camera's number or a list of these, got "
            f"{type(source).__name__}: give arrays to the model itself, model(image)"
        )
    text = os.fspath(source) if not isinstance(source, int) else str(source)
    if re.fullmatch(r"\d+", text):
        return Video(text, int(text), live=True)
    if match := re.match(r"([a-z][a-z0-9+]*)://(.*)", text, re.DOTALL):
        return _resolve_address(text, match[1], match[2])
    path = Path(text)
    if path.is_dir():
        return _images_in(path)
    if path.exists():
        return [path]
    if glob.has_magic(text):
        matches = [Path(match) for match in glob.glob(text, recursive=True)]
        found = sorted((match for match in matches if match.is_file()), key=natural_key)
        if not found:
            raise InputError(f"{text}: no file matches")
        return found
    raise InputError(f"{text}: no such file or folder")


def _images_in(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise InputError(
            f"{folder}: no image in this folder (subfolders are not searched): expected "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}, or a glob such as '{folder}/**/*.jpg'"
        )
    return sorted(found, key=natural_key)


def _resolve_address(text: str, scheme: str, rest: str) -> Video:
    if scheme in _NETWORK_SCHEMES:
        # A file on a web server has an end; what a camera sends has none.
        ends = scheme in ("http", "https") and Path(rest.split("?")[0]).suffix in VIDEO_SUFFIXES
        return Video(text, text, live=not ends)
    if scheme == "v4l2":
        if match := re.fullmatch(r"/dev/video(\d+)", rest):
            return Video(text, int(match[1]), live=True)
        raise InputError(f"{text}: expected v4l2:///dev/videoN with a number N")
    if scheme == "csi":
        if re.fullmatch(r"\d+", rest):
            return Video(text, csi_pipeline(int(rest)), live=True, gstreamer=True)
        raise InputError(f"{text}: expected csi://N with the sensor's number N")
    if scheme == "gst":
        return Video(text, rest, live=True, gstreamer=True)
    if scheme == "file":
        raise InputError(f"{text}: give the path alone, without file://")
    known = ", ".join((*_NETWORK_SCHEMES, "v4l2", "csi", "gst"))
    raise InputError(f"{text}: unknown kind of source {scheme}://, expected one of {known}")


def csi_pipeline(sensor: int) -> str:
    """GStreamer pipeline from a Jetson's camera sensor to BGR frames.

    nvarguscamerasrc gives NV12 in GPU memory; nvvidconv copies it out as BGRx; old frames are
    dropped when the reader is slow.
    """
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! "
        "video/x-raw(memory:NVMM), width=(int)1280, height=(int)720, format=(string)NV12, "
        "framerate=(fraction)30/1 ! nvvidconv ! video/x-raw, format=(string)BGRx ! "
        "videoconvert ! video/x-raw, format=(string)BGR ! appsink drop=true max-buffers=1"
    )


def natural_key(path: Path) -> list[tuple[int, str]]:
    """Sort key that compares numbers inside names by value."""
    pieces = re.split(r"(\d+)", str(path))
    # Odd pieces are digits: their count orders them by value, the digits decide among equals.
    keyed = []
    for at, piece in enumerate(pieces):
        if at % 2:
            digits = piece.lstrip("0")
            keyed.append((len(digits), digits))
        else:
            keyed.append((0, piece.casefold()))
    return [*keyed, (0, str(path))]


def _positive(value: float) -> float | None:
    return value if value > 0 else None


def _position_ms(capture: Any, index: int, rate: float | None) -> float | None:
    position = float(capture.get(import_cv2().CAP_PROP_POS_MSEC))
    if index > 0 and position <= 0:  # the container carries no times
        return None if rate is None else index * 1000 / rate
    return max(position, 0.0)


def _three_channels(image: Any) -> NDArray[np.uint8]:
    frame: NDArray[np.uint8] = np.asarray(image)
    if frame.ndim == 2:  # monochrome cameras
        frame = np.repeat(frame[:, :, None], 3, axis=2)
    return frame
