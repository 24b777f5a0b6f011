"""Plain files only: reading a pipe or a device could wait for ever."""

from __future__ import annotations

import stat
from pathlib import Path

from edgecv_runtime._core import InputError


def check_regular(path: Path) -> None:
    """Raises InputError for a pipe, socket or device: reading it could wait for ever."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # reported by whoever reads it
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    kinds = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))
    kind = next((word for is_it, word in kinds if is_it(mode)), "device")
    advice = "v4l2:///dev/videoN reads a camera" if kind == "device" else "write it to a file first"
    raise InputError(f"{path}: is a {kind}, a file was expected: {advice}")
