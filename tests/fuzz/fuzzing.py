"""Runs a reader on mutated files; what it finds is a file and an exception that should not be.

As a program: ``python tests/fuzz/fuzzing.py MINUTES [READER ...]``, for each reader as long.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from edgecv_runtime import Error

_LONGEST_MESSAGE = 3000  # with a long path in it, more than once
_LONGEST_SECONDS = 20.0  # on a machine that does other things too


def fuzz(name: str, seed: int, go_on: Callable[[int], bool]) -> str | None:
    """What was wrong with the first file that was read wrongly, which is kept; None if nothing."""
    from fuzz.mutations import mutated
    from fuzz.readers import READERS

    reader = READERS[name]
    source = random.Random(f"{name} {seed}")
    number = 0
    while go_on(number):
        number += 1
        content = mutated(source.choice(reader.seeds), source)
        with tempfile.TemporaryDirectory(prefix="edgecv-fuzz-") as folder:
            path = Path(folder) / reader.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            fault = _fault(lambda where=Path(folder): reader.read(where))
            if fault:
                kept = Path(tempfile.gettempdir()) / f"edgecv_fuzz_{name}_{seed}_{number}"
                shutil.copyfile(path, kept)
                return f"{kept}: {fault}"
    return None


def _fault(read: Callable[[], object]) -> str | None:
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read()
    except Error as error:
        text = str(error)
        if "\n" in text or "\x1b" in text or len(text) > _LONGEST_MESSAGE:
            return f"the message is no line: {text[:300]!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - start
    return f"took {seconds:.0f} s" if seconds > _LONGEST_SECONDS else None


def main() -> int:
    from fuzz.readers import READERS

    minutes, names = float(sys.argv[1]), sys.argv[2:] or list(READERS)
    faults = 0
    for name in names:
        end = time.monotonic() + 60 * minutes
        seed, runs = time.time_ns(), [0]

        def go_on(number: int, end: float = end, runs: list[int] = runs) -> bool:
            runs[0] = number
            return time.monotonic() < end

        fault = fuzz(name, seed, go_on)
        faults += fault is not None
        print(f"{name}: {runs[0]} files, {fault or 'nothing found'}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
