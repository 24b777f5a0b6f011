"""Where edgecv keeps what it can make again: engines of read-only bundles, caches of kernels."""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path


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
