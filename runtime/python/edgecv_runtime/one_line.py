"""Whatever a damaged file leads a library to is one line with the file's name."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from edgecv_runtime._core import Error, InputError

# The machine's, not the file's: they stay what they are.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO}
_LONGEST = 200


@contextmanager
def one_line(
    path: str | os.PathLike[str], expected: str, kind: type[Error] = InputError
) -> Iterator[None]:
    """Turns any exception but edgecv's own, a full disk's and `KeyboardInterrupt` into `kind`.

    Args:
        path: of the file that is read inside the ``with`` block.
        expected: what it should have been, and what to do.

    Example::

        with one_line(path, "expected an .npy file"):
            array = numpy.load(path, allow_pickle=False)
    """
    try:
        yield
    except Error:
        raise
    except MemoryError as error:  # numpy's, of a size that a header claims, too
        raise kind(
            f"{path}: asks for more memory than there is: damaged, or too large; {expected}"
        ) from error
    except RecursionError as error:
        raise kind(f"{path}: nested too deeply; {expected}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            raise
        if isinstance(error, OSError) and error.strerror:  # such as a file that is not there
            raise kind(f"{path}: cannot be read: {error.strerror}; {expected}") from error
        raise kind(f"{path}: damaged ({brief(error)}); {expected}") from error


def brief(value: object) -> str:
    """A value in a message: one line, at most 200 letters, however long or deep it is."""
    try:
        text = str(value) if isinstance(value, BaseException) else repr(value)
    except Exception:  # of something too deep, or with an odd text of its own
        text = ""
    text = " ".join(text.split()) or type(value).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def first_line(error: BaseException) -> str:
    """Of an exception whose message goes on and on, as ONNX Runtime's do."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
