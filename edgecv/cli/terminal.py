"""Output that no label or file name can break."""

from __future__ import annotations

import io
import os
import re
import sys

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but the tabulator and a line's end


def harmless_stdout() -> None:
    """Control characters on standard output become escapes, whoever prints them: names of files,
    labels and bundles of strangers steer no terminal. A closed standard output takes everything."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper) or "write" in vars(stream):
        return
    original = stream.write

    def write(text: str) -> int:
        return original(_CONTROLS.sub(lambda found: repr(found[0])[1:-1], text))

    stream.write = write  # type: ignore[method-assign]


def write_any_text() -> None:
    r"""Lets stdout and stderr write what their encoding lacks as an escape, such as ``\u4eba``.

    A Windows pipe has cp1252, a name of a file may be no text at all. Whoever chose a treatment
    (``PYTHONIOENCODING=ascii:replace``) keeps it.
    """
    for stream in (sys.stdout, sys.stderr):
        # surrogateescape is what Python takes in the C locale: it refuses all but a file's bytes.
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")
