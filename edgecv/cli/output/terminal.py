"""Output that no label or file name can break."""

from __future__ import annotations

import io
import os
import re
import sys


def keep_stdout_for_results() -> None:
    """What a library writes into standard output past Python, such as an engine's banner, goes to
    standard error; only what Python prints goes where standard output went.

    For a process of its own: it changes descriptors. Those of the first three that are closed are
    opened, or the next file would have their number and get what is written there.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    stream = sys.stdout
    if os.name != "posix" or not isinstance(stream, io.TextIOWrapper) or stream.fileno() != 1:
        return
    results = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = open(  # noqa: SIM115
        results,
        "w",
        buffering=1 if stream.line_buffering else -1,
        encoding=stream.encoding,
        errors=stream.errors,
    )


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
