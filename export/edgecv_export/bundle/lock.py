"""One writer at a time for a list in a bundle, over all processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from edgecv_runtime import EngineError

LOCK_SECONDS = 60.0


@contextlib.contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Held while a file of the bundle is read, changed and written.

    Args:
        folder: of the file.
        name: of the file, ``bundle.json`` or ``engines.json``.

    Raises:
        EngineError: another process has held it for a minute.
    """
    import filelock

    lock = filelock.FileLock(folder / f".{name}.lock", timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise EngineError(
            f"another edgecv build has held {folder} for {LOCK_SECONDS:.0f} s: "
            "wait for it, or end it"
        ) from error
    try:
        yield
    finally:
        lock.release()
