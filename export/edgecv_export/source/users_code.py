"""The user's own code: what it raises, told from errors of edgecv and what it is built on, and what
it prints."""

from __future__ import annotations

import contextlib
import sys
import sysconfig
import traceback
from pathlib import Path

import edgecv
import edgecv_runtime
from edgecv_runtime import InputError
from edgecv_runtime.one_line import joined

_OURS = tuple(
    str(Path(str(place)).resolve())
    for place in (
        Path(__file__).parents[1],
        *(Path(str(package.__file__)).parent for package in (edgecv, edgecv_runtime)),
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    )
)


def users_frame(error: BaseException) -> traceback.FrameSummary | None:
    """The innermost frame of a traceback that is in a file of the user, None if there is none:
    installed packages, Python's library and edgecv are not the user's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        name = frame.filename
        if name.startswith("<") or "site-packages" in name or "dist-packages" in name:
            continue
        if not str(Path(name).resolve()).startswith(_OURS):
            return frame
    return None


def raised_in(source: str, error: BaseException) -> InputError:
    """The one line about an exception of the user's own code: what, and where."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    frame = users_frame(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        place = f" ({Path(error.filename).name}, line {error.lineno})"
        text = f"{type(error).__name__}: {error.msg}"
    else:
        place = f" ({Path(frame.filename).name}, line {frame.lineno})" if frame else ""
    return InputError(joined(f"{source} raised {text}{place}; correct it there"))


def what_it_prints_to_stderr() -> contextlib.AbstractContextManager[object]:
    """While the block runs, so that standard output has nothing but results."""
    return contextlib.redirect_stdout(sys.stderr)
