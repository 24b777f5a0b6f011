"""Writing engines.json and the engine files: whole or not at all, also while others build."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from edgecv_export.bundle.lock import locked
from edgecv_runtime import EngineError
from edgecv_runtime.engines.built.file import FILE, read_engines, to_json
from edgecv_runtime.engines.built.record import BuiltEngine
from edgecv_runtime.engines.cache import cache_of_bundle, mark_used
from edgecv_runtime.files.whole import write_file

_NAME = re.compile(r"[a-z]+\.[a-z0-9]+\.[a-z_]+\.[0-9a-f]{12}\.plan")  # that we give
FOLDER = "engines"  # of the engine files, beside engines.json


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
        mark_used(folder)  # another build does not take it for the oldest of the cache
        with locked(folder, FILE):
            listed = read_engines(folder)
            replaced = [each for each in listed if each.identity() == engine.identity()]
            kept = [each for each in listed if each not in replaced]
            new = not path.exists()
            try:
                write_file(path, content)
                write_file(folder / FILE, to_json([*kept, engine]))
            except BaseException:
                # An interrupt may come when the new list is there already.
                if new and name not in [each.file for each in read_engines(folder)]:
                    _remove(path)
                raise
            # Only now: until here the old list named the old files.
            _clear(folder / FOLDER, {Path(each.file).name for each in [*kept, engine]})
    except OSError as error:
        raise EngineError(_reason(error, folder, len(content))) from error
    return engine


def _clear(folder: Path, listed: set[str]) -> None:
    """Removes engine files that were replaced, and those of builds that were interrupted before
    they were listed."""
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name) and path.name not in listed:
            _remove(path)


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
