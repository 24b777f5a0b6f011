"""Finds what a source is: files, folders, globs, cameras, addresses."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Union

from edgecv_runtime._core import InputError
from edgecv_runtime.files.regular import check_regular
from edgecv_runtime.sources.addresses import (
    NETWORK_SCHEMES,
    csi_pipeline,
    shown_address,
    shown_mistyped,
)
from edgecv_runtime.sources.frames import Failure, Frame
from edgecv_runtime.sources.images import IMAGE_SUFFIXES, Images, natural_key
from edgecv_runtime.sources.video import Video
from edgecv_runtime.sources.video_files.kinds import REMOTE_SUFFIXES, is_video

SourceLike = Union[str, int, "os.PathLike[str]", Sequence[Union[str, int, "os.PathLike[str]"]]]


def open_source(source: SourceLike) -> Iterator[Frame | Failure]:
    """Reads images from wherever they come.

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
            if is_video(path):
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
        check_regular(path)
        return [path]
    if glob.has_magic(text):
        matches = [Path(match) for match in glob.glob(text, recursive=True)]
        found = sorted((match for match in matches if match.is_file()), key=natural_key)
        if not found:
            raise InputError(f"{text}: no file matches")
        return found
    raise InputError(f"{shown_mistyped(text)}: no such file or folder")


def _images_in(folder: Path) -> list[Path]:
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.is_dir()
    ]
    if not found:
        raise InputError(
            f"{folder}: no image in this folder (subfolders are not searched): expected "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}, or a glob such as '{folder}/**/*.jpg'"
        )
    return sorted(found, key=natural_key)


def _resolve_address(text: str, scheme: str, rest: str) -> Video:
    shown = shown_address(text)
    if scheme in NETWORK_SCHEMES:
        # A file on a web server has an end; what a camera sends has none.
        path = rest.split("?")[0].split("#")[0]
        ends = scheme in ("http", "https") and Path(path).suffix.lower() in REMOTE_SUFFIXES
        return Video(shown, text, live=not ends)
    if scheme == "v4l2":
        if match := re.fullmatch(r"/dev/video(\d+)", rest):
            return Video(text, int(match[1]), live=True)
        raise InputError(f"{text}: expected v4l2:///dev/videoN with a number N")
    if scheme == "csi":
        if re.fullmatch(r"\d+", rest):
            return Video(text, csi_pipeline(int(rest)), live=True, gstreamer=True)
        raise InputError(f"{text}: expected csi://N with the sensor's number N")
    if scheme == "gst":
        return Video(shown, rest, live=True, gstreamer=True)
    if scheme == "file":
        raise InputError(f"{text}: give the path alone, without file://")
    known = ", ".join((*NETWORK_SCHEMES, "v4l2", "csi", "gst"))
    raise InputError(f"{shown}: unknown kind of source {scheme}://, expected one of {known}")
