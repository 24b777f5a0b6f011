"""Where edgecv keeps what it can make again: engines of read-only bundles, caches of kernels."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from edgecv_runtime.files.whole import is_draft, remove_folder

ENGINES_LIMIT = 20_000_000_000  # bytes of the engines of all read-only bundles together
KERNELS_LIMIT = 1_000_000_000  # of the kernels of all engines, and of what builds measured
IN_USE = 600.0  # seconds in which a process may still be loading what it has marked
_OF_A_BUNDLE = re.compile("[0-9a-f]{32}")


def cache_root() -> Path:
    """``$EDGECV_CACHE``, or ``edgecv`` in the user's cache folder. It may not exist yet."""
    if chosen := os.environ.get("EDGECV_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base) / "edgecv" if base else Path.home() / "AppData" / "Local" / "edgecv"
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) / "edgecv" if base else Path.home() / ".cache" / "edgecv"


def cache_of_bundle(folder: str | os.PathLike[str]) -> Path:
    """The cache folder of a bundle, wherever it lies: named by the hash of its bundle.json."""
    manifest = (Path(folder) / "bundle.json").read_bytes()
    return cache_root() / sha256(manifest).hexdigest()[:32]


def mark_used(path: Path) -> None:
    """The time of a file or folder is that of its last use; a cache that is read-only has none."""
    with contextlib.suppress(OSError):
        os.utime(path)


def make_room_for_engines(new: Path) -> None:
    """Of the engines of read-only bundles those used longest ago go; see `make_room`."""
    if new.parent == cache_root():
        entries = [path for path in new.parent.iterdir() if _OF_A_BUNDLE.fullmatch(path.name)]
        make_room(new, entries, ENGINES_LIMIT)


def make_room(new: Path | None, entries: Iterable[Path], limit: int) -> None:
    """Removes files and folders used longest ago until all take no more than so many bytes.

    `new` stays, and so do those that were used within `IN_USE`.
    """
    found = []
    for path in entries:
        with contextlib.suppress(OSError):  # another process may be removing it
            if not is_draft(path.name):
                found.append((path.stat().st_mtime, _bytes(path), path))
    total = sum(size for _, size, _ in found)
    for used, size, path in sorted(found):
        if total <= limit:
            return
        if path != new and time.time() - used > IN_USE:
            with contextlib.suppress(OSError):
                remove_folder(path) if path.is_dir() else path.unlink()
                total -= size


def _bytes(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in inside if each.is_file())
