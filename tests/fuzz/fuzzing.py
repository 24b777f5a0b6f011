"""Runs a reader on mutated files; what it finds is a file and an exception that should not be."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from edgecv_runtime import Error
from edgecv_runtime.one_line import printable
from fuzz.mutations import mutated
from fuzz.readers import READERS

_LONGEST_MESSAGE = 3000  # with a long path in it, more than once
_LONGEST_SECONDS = 20.0  # of the processor


def fuzz(name: str, seed: int, go_on: Callable[[int], bool]) -> str | None:
    """What was wrong with the first file that was read wrongly, which is kept; None if nothing.

    Args:
        go_on: whether to read one more; it gets the number of those that were read.
    """
    source = random.Random(f"{name} {seed}")
    number = 0
    while go_on(number):
        number += 1
        with tempfile.TemporaryDirectory(prefix="edgecv-fuzz-") as folder:
            path, fault = read_one(name, source, Path(folder))
            if fault:
                kept = Path(tempfile.gettempdir()) / f"edgecv_fuzz_{name}_{seed}_{number}"
                shutil.copyfile(path, kept)
                return f"{kept}: {fault}"
    return None


def read_one(name: str, source: random.Random, folder: Path) -> tuple[Path, str | None]:
    """Writes a damaged file into the empty folder and reads it; its path, and what was wrong."""
    reader = READERS[name]
    path = folder / reader.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mutated(source.choice(reader.seeds), source))
    return path, _fault(lambda: reader.read(folder))


def _fault(read: Callable[[], object]) -> str | None:
    """What was wrong, and where in the code."""
    start = time.process_time()
    try:
        with _quiet():
            read()
    except Error as error:
        text = str(error)
        if printable(text) != text or len(text) > _LONGEST_MESSAGE:
            return f"the message is no line: {text[:300]!r} ({_place(error)})"
    except Exception as error:
        return f"{type(error).__name__}: {error} ({_place(error)})"
    seconds = time.process_time() - start
    return f"took {seconds:.0f} s" if seconds > _LONGEST_SECONDS else None


def _place(error: BaseException) -> str:
    frame, _ = list(traceback.walk_tb(error.__traceback__))[-1]
    return f"{frame.f_code.co_filename}:{frame.f_code.co_firstlineno}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
