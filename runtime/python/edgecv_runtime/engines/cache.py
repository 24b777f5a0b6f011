"""Where edgecv keeps what it can make again: engines of read-only bundles, caches of kernels."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from hashlib import sha256
from pathlib import Path


def cache_root() -> Path:
    """``$EDGECV_CACHE``, or ``edgecv`` in the user's cache folder. It need not exist."""
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


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that others see the old or the whole new one; makes its folder.

    Raises OSError, and then leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":  # mkstemp makes files private
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(draft, 0o666 & ~umask)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
