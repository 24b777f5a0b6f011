"""Adding graph files to a bundle on disk: all of them and their record, or nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from edgecv_export.bundle import MANIFEST
from edgecv_runtime import InputError, Manifest


@dataclass
class Additions:
    """Graph files in the making, in a hidden folder inside the bundle's."""

    folder: Path  # the bundle's
    staging: Path
    _records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def add(self, role: str, source: dict[str, Any], content: bytes, **changes: str) -> Path:
        """Writes a graph beside the bundle's and gives its path for the time being; a second one
        of that name replaces the first.

        Args:
            source: the manifest's record of the graph that this one was made from.
            changes: what differs in the new record: file, precision, dialect.
        """
        record = {**source, **changes, "sha256": sha256(content).hexdigest()}
        self._records = [entry for entry in self._records if entry[1]["file"] != record["file"]]
        self._records.append((role, record))
        path = self.staging / record["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def write(self, notes: dict[str, Any]) -> None:
        """Moves the files into place and rewrites the manifest, with ``notes`` merged into its
        provenance. Where that fails, files and manifest are as they were."""
        manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = json.loads(Manifest.from_json(json.dumps(manifest)).to_json())
        for role, record in self._records:
            others = [graph for graph in manifest["graphs"][role] if not _same(graph, record)]
            manifest["graphs"][role] = [*others, record]
        provenance = manifest["provenance"]
        provenance["variants"] = {**provenance.get("variants", {}), **notes}
        text = Manifest.from_json(json.dumps(manifest)).to_json().rstrip("\n") + "\n"
        new_manifest = self.staging / MANIFEST
        new_manifest.write_text(text, encoding="utf-8")
        moved: list[Path] = []
        try:
            for _, record in self._records:
                target = self.folder / record["file"]
                moved.append(target)
                if target.exists():
                    target.rename(self._aside(target))
                (self.staging / record["file"]).rename(target)
            os.replace(new_manifest, self.folder / MANIFEST)
        except BaseException:
            for target in moved:
                if self._aside(target).exists():
                    os.replace(self._aside(target), target)
                else:
                    target.unlink(missing_ok=True)
            raise

    def _aside(self, target: Path) -> Path:
        return self.staging / f"{target.name}.before"


@contextlib.contextmanager
def additions(folder: Path) -> Iterator[Additions]:
    """Graph files to come. The hidden folder vanishes when the block ends.

    Raises InputError where the bundle's folder cannot be written to, before the work and after it.
    """
    try:
        staging = Path(tempfile.mkdtemp(prefix=".variant.", suffix=".tmp", dir=folder))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        yield Additions(folder, staging)
    except OSError as error:
        if error.filename is None or Path(error.filename).is_relative_to(folder):
            raise _cannot_write(folder, error) from error
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _cannot_write(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"{folder}: cannot write to the bundle ({error.strerror or error}); it is as it was"
    )


def _same(graph: dict[str, Any], record: dict[str, Any]) -> bool:
    return all(graph[key] == record[key] for key in ("precision", "dialect"))
