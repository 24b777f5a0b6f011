"""Output that no label or file name can break."""

from __future__ import annotations

import io
import sys
import unicodedata


def on_one_line(text: str) -> str:
    r"""The text with control characters as escapes, such as ``\n``: a label or a file's name can
    neither break a line nor steer the terminal."""
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter) == "Cc" else letter for letter in text
    )


def write_any_text() -> None:
    r"""Lets stdout and stderr write what their encoding lacks as an escape, such as ``\u4eba``.

    A Windows pipe has cp1252, a name of a file may be no text at all. Whoever chose a treatment
    (``PYTHONIOENCODING=ascii:replace``) keeps it.
    """
    for stream in (sys.stdout, sys.stderr):
        # surrogateescape is what Python takes in the C locale: it refuses all but a file's bytes.
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")
