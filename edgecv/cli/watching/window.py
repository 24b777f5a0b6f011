"""Windows that show frames, one for each source."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from edgecv_runtime.one_line import printable

_TITLE = "edgecv (q to quit)"
_ESCAPE = 27


def obstacle_to_windows() -> str | None:
    """Why there can be no window; None where there can."""
    from edgecv_runtime.opencv import import_cv2

    # Qt ends the whole process where it finds no display, so that is asked first.
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no display (DISPLAY is not set): run it in a desktop session"
    cv2 = import_cv2()
    try:
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)
    except cv2.error:
        return "this OpenCV has no windows: install opencv-python instead of the headless one"
    return None


class Windows:
    """The first source has the window that :func:`obstacle_to_windows` has opened."""

    def __init__(self, names: Sequence[str]) -> None:
        self._titles = [_TITLE] + [
            printable(f"{name}: edgecv {at + 2} (q to quit)") for at, name in enumerate(names[1:])
        ]
        self._shown: set[int] = set()

    def show(self, source: int, canvas: Any) -> None:
        import cv2

        if source not in self._shown:
            cv2.namedWindow(self._titles[source], cv2.WINDOW_NORMAL)
            self._shown.add(source)
        cv2.imshow(self._titles[source], canvas)

    def wanted(self) -> bool:
        """Answers keys and the mouse; False when the user has closed a window or pressed q or
        Esc."""
        import cv2

        key = cv2.waitKey(1) & 0xFF
        closed = any(cv2.getWindowProperty(self._titles[at], 0) < 0 for at in self._shown)
        return key not in (ord("q"), _ESCAPE) and not closed

    def close(self) -> None:
        import cv2

        cv2.destroyAllWindows()
