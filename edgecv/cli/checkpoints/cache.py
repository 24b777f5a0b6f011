"""Bundles of checkpoints in the user's cache: which one is whose, and which go when there are too
many. Imports no torch."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
from hashlib import sha256
from pathlib import Path

LIMIT = 2_000_000_000  # bytes of all bundles together
# What decides how a checkpoint becomes a bundle: our code, and the packages that write the graph.
_CODE = ("edgecv_export", "edgecv.models")
_PACKAGES = ("edgecv", "torch", "torchvision", "onnx", "onnxscript")


def folder_of(checkpoint: Path) -> Path:
    """Where the bundle of a checkpoint lies, or is to lie. Raises OSError if it cannot be read."""
    from edgecv_runtime.engines.cache import cache_root

    content = sha256(checkpoint.read_bytes()).hexdigest()[:32]
    return cache_root() / "checkpoints" / f"{content}-{exporter()[:16]}"


@functools.lru_cache
def exporter() -> str:
    """A hash of what exports: it changes with each line of our code and each version of theirs."""
    from edgecv_runtime import Manifest

    found = sha256(f"schema {Manifest.current_schema}".encode())
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.update(f"\0{package} {importlib.metadata.version(package)}".encode())
    for name in _CODE:
        spec = importlib.util.find_spec(name)
        for root in (spec.submodule_search_locations or ()) if spec is not None else ():
            for path in sorted(Path(root).rglob("*.py")):
                found.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
                found.update(path.read_bytes())
    return found.hexdigest()


def make_room(new: Path) -> None:
    """Removes those used longest ago until all take no more than `LIMIT`; `new` stays."""
    from edgecv_runtime.engines.cache import make_room

    make_room(new, new.parent.iterdir(), LIMIT)
