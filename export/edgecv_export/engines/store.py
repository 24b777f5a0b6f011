"""Writing engines.json and the engine files: whole or not at all, whoever else builds."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from edgecv_runtime import EngineError
from edgecv_runtime.engines.built import FILE, BuiltEngine, read_engines, to_json
from edgecv_runtime.engines.cache import cache_of_bundle, write_atomically

FOLDER = "engines"  # of the engine files, beside engines.json
LOCK_SECONDS = 60.0


def store_for(bundle: str | os.PathLike[str], *, read_only: bool = False) -> Path:
    """Where engines of a bundle are written: beside its bundle.json, or, where that cannot be
    (a ``.zip``, a read-only disk), in the user's cache."""
    folder = Path(bundle)
    if not read_only:
        try:
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
    return cache_of_bundle(folder)


def add_engine(folder: Path, engine: BuiltEngine, content: bytes) -> BuiltEngine:
    """Writes an engine file and lists it; one of the same identity is replaced.

    Args:
        folder: of engines.json; it is made if it is not there.
        engine: the record; its ``file`` and ``sha256`` are filled in.
        content: the plan.

    Raises:
        EngineError: no space is left, the folder cannot be written to, or another build holds the
            lock. Then all is as before.
        BundleError: the engines.json that is there is damaged.
    """
    digest = sha256(content).hexdigest()
    name = f"{FOLDER}/{engine.role}.{engine.precision}.{engine.kind}.{digest[:12]}.plan"
    engine = replace(engine, file=name, sha256=digest)
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            listed = read_engines(folder)
            replaced = [each for each in listed if each.identity() == engine.identity()]
            kept = [each for each in listed if each not in replaced]
            new = not path.exists()
            try:
                write_atomically(path, content)
                write_atomically(folder / FILE, to_json([*kept, engine]).encode())
            except BaseException:
                if new:
                    _remove(path)
                raise
            # Only now: until here the old list named the old files.
            for each in replaced:
                if each.file not in {other.file for other in [*kept, engine]}:
                    _remove(folder / each.file)
    except OSError as error:
        raise EngineError(_reason(error, folder, len(content))) from error
    return engine


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
        path.parent.rmdir()  # only if nothing is left in it


def _reason(error: OSError, folder: Path, size: int) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left for the engine of {size / 1e6:.1f} MB in {folder}: free some and build "
            "again; nothing was written"
        )
    return f"the engine cannot be written to {folder}: {error.strerror or error}"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time, over all processes."""
    import filelock

    lock = filelock.FileLock(folder / f".{FILE}.lock", timeout=LOCK_SECONDS)
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
