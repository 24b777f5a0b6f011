"""One line of whatever a library or a file says: the one home of all that makes it."""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from edgecv_runtime._core import Error, InputError

# The machine's, not the file's: they stay what they are.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO}
_LONGEST = 200
_LONGEST_LINE = 1000
_LONGEST_MESSAGE = 2500  # two paths may be in it


@contextmanager
def one_line(
    path: str | os.PathLike[str], expected: str, kind: type[Error] = InputError
) -> Iterator[None]:
    """Turns any exception but edgecv's own, a full disk's and `KeyboardInterrupt` into `kind`.

    What edgecv's own say of the file's content becomes one line of at most 2500 letters, too.

    Args:
        path: of the file that is read inside the ``with`` block.
        expected: what it should have been, and what to do.

    Example::

        with one_line(path, "expected an .npy file"):
            array = numpy.load(path, allow_pickle=False)
    """
    try:
        yield
    except Error as error:
        text = _shortened(printable(str(error)), _LONGEST_MESSAGE)
        if text == str(error):
            raise
        raise type(error)(text) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            raise
        # A manifest or a list may have named it, so its path may be of any length.
        shown = _shortened(printable(os.fsdecode(path)), _LONGEST_LINE)
        raise kind(f"{shown}: {_what_is_wrong(error)}; {expected}") from error


def _what_is_wrong(error: Exception) -> str:
    if isinstance(error, MemoryError):  # numpy's, of a size that a header claims, too
        return "asks for more memory than there is: damaged, or too large"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, OSError) and error.strerror:  # such as a file that is not there
        return f"cannot be read: {error.strerror}"
    return f"damaged ({brief(error)})"


def brief(value: object) -> str:
    """A value in a message: one line, at most 200 letters, however long or deep it is."""
    try:
        text = str(value) if isinstance(value, BaseException) else repr(value)
    except Exception:  # of something too deep, or with an odd text of its own
        text = ""
    text = joined(text) or type(value).__name__
    return _shortened(text, _LONGEST)


def printable(text: str) -> str:
    r"""The text with control characters and ends of lines as escapes, such as ``\n``: a label or
    a file's name can neither break a line nor steer the terminal."""
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter
        for letter in text
    )


def joined(message: object) -> str:
    """The whole text in one line: spaces for its ends of lines, and nothing that steers a
    terminal."""
    return printable(" ".join(str(message).split()))


def first_line(message: object) -> str:
    """Of an exception or a text that goes on and on, as ONNX Runtime's do; an exception without a
    message gives the name of its class."""
    lines = str(message).strip().splitlines()
    return _shortened(printable(lines[0]), _LONGEST_LINE) if lines else type(message).__name__


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
