"""Tells whether FFmpeg converted a frame to BGR: OpenCV does not look.

FFmpeg 8 refuses to convert interlaced frames to progressive ones (OpenCV 4.13, 4.14, 5.0), FFmpeg 5
frames that are larger than the first (OpenCV below 4.13). OpenCV ignores that and hands out its
buffer: black, or the frame before, or whatever lay in that memory. The refusal is a message to
FFmpeg's log, by the thread that asked, and this is where it is heard.
"""

from __future__ import annotations

import ctypes
import functools
import re
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from edgecv_runtime.opencv import import_cv2

_ERROR, _WARNING = 16, 24  # AV_LOG_ERROR, AV_LOG_WARNING; lower is worse
_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)

_lock = threading.Lock()
_watching = 0  # how many threads convert at this moment
_refused: set[int] = set()  # the threads whose conversion was refused
_prepared: set[int] = set()  # the threads that prepared one


class ConversionWatch:
    """Around the conversion of one frame; afterwards `refused` says how it went.

    `prepared` is true where FFmpeg 8 set up the conversion of frames of JPEG again: at the first
    frame, and where their size changes. It warns of their pixel format then.
    """

    def __init__(self) -> None:
        self.refused = False
        self.prepared = False

    def __enter__(self) -> ConversionWatch:
        global _watching
        with _lock:
            _refused.discard(threading.get_ident())
            _prepared.discard(threading.get_ident())
            _watching += 1
            if _watching == 1:
                for library in _libraries():
                    library.av_log_set_callback(_listen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _watching
        with _lock:
            _watching -= 1
            if _watching == 0:
                for library in _libraries():
                    library.av_log_set_callback(
                        ctypes.cast(library.av_log_default_callback, ctypes.c_void_p)
                    )
            self.refused = threading.get_ident() in _refused
            self.prepared = threading.get_ident() in _prepared


def _hear(context: Any, level: int, text: bytes, arguments: Any) -> None:
    # The decoder's own threads speak here, too, of packets that are still to come.
    if level <= _WARNING and _class_name(context) == b"SWScaler":
        if level <= _ERROR:
            _refused.add(threading.get_ident())
        elif text.startswith(b"deprecated pixel format"):
            _prepared.add(threading.get_ident())


_listen = _CALLBACK(_hear)


def _class_name(context: Any) -> bytes | None:
    """Every context of FFmpeg begins with a pointer to its class, a class with one to its name."""
    described = ctypes.c_void_p.from_address(context).value if context else None
    return ctypes.c_char_p.from_address(described).value if described else None


@functools.cache
def _libraries() -> list[Any]:
    """The libavutil that OpenCV has loaded (none where its FFmpeg is linked in, or missing)."""
    package = Path(import_cv2().__file__).parent
    if sys.platform == "linux":
        loaded = set(
            re.findall(
                r"/\S*/libavutil\S*\.so\S*",
                Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace"),
            )
        )
        beside = {path for path in loaded if path.startswith(str(package.parent / "opencv"))}
        found = beside or {path for path in loaded if "/av.libs/" not in path}
    else:
        found = {str(path) for path in (package / ".dylibs").glob("libavutil*")}
    return [ctypes.CDLL(path) for path in sorted(found)]


def conversion_is_heard() -> bool:
    """Whether a refusal can be heard, or cannot happen. Ask after a video was opened."""
    cv2 = import_cv2()
    version = tuple(int(part) for part in cv2.__version__.split(".")[:2])
    return version < (4, 13) or bool(_libraries())
