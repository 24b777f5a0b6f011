"""Adding graph files to a bundle on disk: all of them and their record, or nothing.

bundle.json is what counts: a graph file that it does not name is not part of the bundle. Files
come first, under names that no file of the bundle has, then bundle.json is replaced in one step,
then the files that it named before are removed. A list in the hidden folder of drafts names the new
files, so that the next build removes what an interrupted one has left.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from edgecv_export.bundle.draft import MANIFEST
from edgecv_export.bundle.lock import locked
from edgecv_runtime import InputError, Manifest
from edgecv_runtime.files.whole import abandoned_drafts, clear_drafts, draft_folder, write_file

_COMING = "coming.json"  # names of the files that are moved into the bundle, with their sha256


@dataclass
class Additions:
    """Graph files that are being added, in a hidden folder inside the bundle's."""

    folder: Path  # the bundle's
    staging: Path
    overwrite: bool
    _records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def add(self, role: str, source: dict[str, Any], content: bytes, **changes: str) -> Path:
        """Writes a graph into the hidden folder and returns its path there. A second one of the
        same name replaces the first.

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

    def write(
        self, precision: str, notes: dict[str, Any], made_from: set[str]
    ) -> tuple[list[str], dict[str, Any]]:
        """Moves the files into place and rewrites the manifest, with the precision's ``notes`` in
        its provenance. Where that fails, files and manifest are as they were.

        Args:
            made_from: sha256 of the bundle's graphs that these were made from.

        Returns:
            The names of the files, and the notes with these. A file that replaces one of other
            content has the first digits of its sha256 in its name.

        Raises:
            InputError: the bundle was replaced, or got the same graphs, since they were begun.
            EngineError: another build holds the bundle.
        """
        with locked(self.folder, MANIFEST):
            manifest = _read(self.folder)
            self._check(manifest, made_from)
            taken = _files(manifest)
            names = {}
            for _, record in self._records:
                before = record["file"]
                path = self.folder / before
                if path.exists() and not _has(path, record["sha256"]):
                    self._rename(record)
                names[before] = record["file"]
            notes = _with_names(notes, names)
            coming = {record["file"]: record["sha256"] for _, record in self._records}
            for role, record in self._records:
                others = [graph for graph in manifest["graphs"][role] if not _same(graph, record)]
                manifest["graphs"][role] = [*others, record]
            provenance = manifest["provenance"]
            provenance["variants"] = {**provenance.get("variants", {}), precision: notes}
            text = Manifest.from_json(json.dumps(manifest)).to_json().rstrip("\n") + "\n"
            write_file(self.staging / _COMING, json.dumps(coming))
            try:
                for name in coming:
                    _sync_and_move(self.staging / name, self.folder / name)
                write_file(self.folder / MANIFEST, text)
            finally:
                # Either manifest may be in place: files that it does not name are removed.
                listed = _files(_read(self.folder))
                for name in {*coming, *taken} - listed:
                    (self.folder / name).unlink(missing_ok=True)
        return list(coming), notes

    def _check(self, manifest: dict[str, Any], made_from: set[str]) -> None:
        graphs = [graph for files in manifest["graphs"].values() for graph in files]
        if not made_from <= {graph["sha256"] for graph in graphs}:
            raise InputError(
                f"{self.folder} was replaced while its graphs were made: build them again"
            )
        if self.overwrite:
            return
        for role, record in self._records:
            for graph in manifest["graphs"][role]:
                if _same(graph, record):
                    raise InputError(
                        f"{self.folder}: another build has added {graph['file']} meanwhile: give "
                        "`overwrite=True` to replace it"
                    )

    def _rename(self, record: dict[str, Any]) -> None:
        """Gives a file a name that nothing in the bundle has, and that says its content."""
        before = record["file"]
        record["file"] = f"{before.removesuffix('.onnx')}.{record['sha256'][:12]}.onnx"
        os.replace(self.staging / before, self.staging / record["file"])


@contextlib.contextmanager
def additions(folder: Path, overwrite: bool) -> Iterator[Additions]:
    """Collects graph files. The hidden folder is removed when the block ends.

    Raises InputError where the bundle's folder cannot be written to, before the work and after it.
    """
    try:
        clear_dead_builds(folder)
        with draft_folder(folder) as staging:
            yield Additions(folder, staging, overwrite)
    except OSError as error:
        if error.filename is None or Path(os.fsdecode(error.filename)).is_relative_to(folder):
            raise _cannot_write(folder, error) from error
        raise


def clear_dead_builds(folder: Path) -> None:
    """Removes what interrupted builds have left in a bundle: their drafts, and files that were to
    be in bundle.json and are not."""
    drafts = abandoned_drafts(folder)
    if not drafts:
        return
    with locked(folder, MANIFEST):
        listed = _files(_read(folder))
        for draft in drafts:
            for name, digest in _coming(draft).items():
                path = folder / name
                if name not in listed and _has(path, digest):
                    path.unlink()
    clear_drafts(folder)


def _coming(draft: Path) -> dict[str, str]:
    try:
        content = json.loads((draft / _COMING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    # It lay in a folder that others may write to.
    plain = isinstance(content, dict) and all(
        Path(name).name == name and name.endswith(".onnx") for name in content
    )
    return content if plain else {}


def _has(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == digest


def _with_names(notes: Any, names: dict[str, str]) -> Any:
    """The notes, in which a file's name is a key at any depth."""
    if not isinstance(notes, dict):
        return notes
    return {names.get(key, key): _with_names(value, names) for key, value in notes.items()}


def _sync_and_move(source: Path, target: Path) -> None:
    with open(source, "rb+") as file:
        os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(source, target)


def _read(folder: Path) -> dict[str, Any]:
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    manifest: dict[str, Any] = json.loads(Manifest.from_json(text).to_json())
    return manifest


def _files(manifest: dict[str, Any]) -> set[str]:
    return {graph["file"] for files in manifest["graphs"].values() for graph in files}


def _cannot_write(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"{folder}: cannot write to the bundle ({error.strerror or error}); it is as it was"
    )


def _same(graph: dict[str, Any], record: dict[str, Any]) -> bool:
    return all(graph[key] == record[key] for key in ("precision", "dialect"))
