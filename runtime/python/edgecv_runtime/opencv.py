"""OpenCV, imported only where a file is read or a picture is drawn."""

from __future__ import annotations

import re
from typing import Any

from edgecv_runtime._core import EngineError


def import_cv2() -> Any:
    """The module cv2. Raises EngineError if there is none."""
    try:
        import cv2
    except ImportError as error:
        raise EngineError(
            f"reading files and drawing need OpenCV, which cannot be imported ({error}): "
            "pip install 'edgecv[cpu]', or on a Jetson apt install python3-opencv"
        ) from error
    return cv2


def opencv_has(feature: str) -> bool:
    """Whether OpenCV was built with it: "FFMPEG", "GStreamer" or "v4l/v4l2"."""
    # The registry of video backends lists plugins, too, that are not there.
    report = import_cv2().getBuildInformation()
    return re.search(rf"^ *{re.escape(feature)}: +YES", report, re.MULTILINE) is not None
