"""OpenCV, imported only where a file is read or an image is drawn."""

from __future__ import annotations

import functools
import re
from typing import Any

from edgecv_runtime._core import EngineError
from edgecv_runtime.one_line import joined
from edgecv_runtime.versions import require


def import_cv2() -> Any:
    """The module cv2. Raises EngineError if there is none, it cannot be loaded or is too old."""
    try:
        import cv2
    except ImportError as error:
        raise EngineError(f"reading files and drawing need OpenCV, {_what_to_do(error)}") from error
    _check(cv2.__version__)
    return cv2


# Once, not for each frame.
@functools.cache
def _check(version: str) -> None:
    # No advice to install: it would hide the system's OpenCV, or a headless one.
    require("opencv-python", version, "update the OpenCV that is installed")


def _what_to_do(error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == "cv2":
        return (
            "which is not installed: pip install 'edgecv[cpu]', on a machine without a display "
            "'edgecv[cpu-headless]', or on a Jetson apt install python3-opencv"
        )
    library = re.match(r"(lib[\w.+-]+): cannot open shared object file", str(error))
    if library is not None:
        return (
            f"which is installed, but this machine lacks {library[1]}: apt install libgl1 "
            "libglib2.0-0, or, where no windows are shown, pip uninstall opencv-python and "
            "pip install opencv-python-headless"
        )
    # Built for another NumPy, for example.
    reason = joined(error)
    return f"which cannot be imported ({reason}): pip install --upgrade opencv-python"


def opencv_has(feature: str) -> bool:
    """Whether OpenCV was built with it: "FFMPEG", "GStreamer" or "v4l/v4l2"."""
    # The registry of video backends lists plugins, too, that are not there.
    report = import_cv2().getBuildInformation()
    return re.search(rf"^ *{re.escape(feature)}: +YES", report, re.MULTILINE) is not None
