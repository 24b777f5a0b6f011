"""Writing a bundle: whole and checked, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from edgecv_runtime import InputError, Manifest
from edgecv_runtime.files.whole import new_folder, recover_folder

MANIFEST = "bundle.json"


def name_of(target: Path) -> str:
    """The bundle's name where nobody gives one: its folder's, as text whatever the locale."""
    return os.fsencode(target.name).decode("utf-8", "replace")


def check_target(out: str | os.PathLike[str], overwrite: bool) -> Path:
    """The folder as an absolute path. Raises InputError unless a bundle may be written there: it
    does not exist, is empty, or is a bundle and ``overwrite`` is given."""
    target = Path(out).absolute()
    recover_folder(target)
    if not target.exists():
        return target
    if not target.is_dir():
        raise InputError(f"{out} is a file; expected a folder for the bundle: give another one")
    if (target / MANIFEST).is_file():
        if not overwrite:
            raise InputError(f"{out} holds a bundle already: give `overwrite=True` to replace it")
    elif any(target.iterdir()):
        raise InputError(
            f"{out} is not empty and not a bundle (it has no {MANIFEST}), so it is left alone: "
            "give another one"
        )
    return target


@dataclass
class BundleDraft:
    """A bundle that is being written, in a folder of its own beside its target."""

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)

    def add_file(self, name: str, content: bytes) -> str:
        """Writes a file and returns its sha256."""
        (self.folder / name).write_bytes(content)
        return sha256(content).hexdigest()

    def add_array(self, name: str, array: np.ndarray) -> str:
        """Writes an .npy file (row-major, without pickle) and returns its sha256."""
        path = self.folder / name
        np.save(path, np.ascontiguousarray(array), allow_pickle=False)
        return sha256(path.read_bytes()).hexdigest()

    def write_manifest(self) -> None:
        """Writes bundle.json through the runtime's record, which checks every key.

        Raises BundleError naming the key that is wrong.
        """
        text = Manifest.from_json(json.dumps(self.manifest)).to_json()
        (self.folder / MANIFEST).write_text(text.rstrip("\n") + "\n", encoding="utf-8")


@contextlib.contextmanager
def new_bundle(target: Path, overwrite: bool) -> Iterator[BundleDraft]:
    """A draft that becomes the bundle at ``target`` when the block ends, in one step, and that
    is removed when the block raises."""
    try:
        with new_folder(target, replace=overwrite) as folder:
            yield BundleDraft(folder)
            check_target(target, overwrite)
    except FileExistsError:
        check_target(target, overwrite)  # filled in the meantime
        raise
