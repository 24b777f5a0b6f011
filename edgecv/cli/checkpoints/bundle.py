"""A checkpoint where a bundle is expected: it is exported once, into the user's cache, and run from
there. What is a bundle passes through, and nothing here imports torch for it."""

from __future__ import annotations

import os
import sys
import time
import zipfile
from pathlib import Path

SUFFIXES = (".pt", ".pth", ".ckpt")
# Beside the name of the file itself, in the command that makes a bundle to keep.
_KEPT = "edgecv export {path} --out {stem}"


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Whether it names a file of torch.save: by its suffix, or by what is in it."""
    path = Path(path)
    if path.is_dir():
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    # Of a device, zipfile would read without an end.
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    from edgecv_runtime.files.bundle import MAX_DIRECTORY_BYTES, directory_bytes

    if directory_bytes(path) > MAX_DIRECTORY_BYTES:
        return False  # what reads bundles says what is wrong
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def bundle_to_run(model: str) -> str:
    """The bundle to run for `model`: itself, or for a checkpoint of `edgecv train` the one that is
    made of it. That lies in the cache, under the hashes of the file and of what exports it.

    Raises:
        InputError: there is no such file, it is not a checkpoint of `edgecv train`, or its export
            fails.
    """
    if not is_checkpoint(model):
        return model
    from edgecv.cli.checkpoints.cache import folder_of, make_room
    from edgecv.cli.options.files import require_file
    from edgecv_runtime.engines.cache import mark_used

    require_file(model, "a bundle, or a checkpoint such as runs/name/best.pt")
    folder = folder_of(Path(model))
    if not (folder / "bundle.json").is_file():
        _export(Path(model), folder)
        make_room(folder)
    mark_used(folder)
    return str(folder)


def refuse_checkpoint(model: str, command: str) -> None:
    """Raises InputError for a checkpoint, naming the two commands that lead to the same."""
    from edgecv_runtime import InputError

    if is_checkpoint(model):
        path = Path(model)
        export = _KEPT.format(path=path, stem=path.stem)
        raise InputError(
            f"{model} is a checkpoint; edgecv {command} takes a bundle: {export}, then edgecv "
            f"{command} {path.stem}"
        )


def _export(path: Path, folder: Path) -> None:
    # Threads of OpenMP that spin between two layers take time from others. Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    started = time.monotonic()
    from edgecv.cli.output.flags import in_flags
    from edgecv.cli.output.progress import Progress
    from edgecv_export import ExportError, RefusedError
    from edgecv_export.exporting import export
    from edgecv_export.source.loading import load_source
    from edgecv_runtime import InputError

    source = load_source(str(path))
    print(f"edgecv: {path} is a checkpoint: exporting it, once, to {folder}", file=sys.stderr)
    try:
        export(
            source.module,
            folder,
            labels=source.labels or [],
            name=path.stem,
            origin=source.origin,
            overwrite=True,
            progress=Progress,
        )
    except ExportError as error:
        said = in_flags(error, "export")
        message = (
            f"{path}: cannot be run, its export failed: {said}; to see the report: "
            f"{_KEPT.format(path=path, stem=path.stem)}"
        )
        if isinstance(error, RefusedError):
            raise RefusedError(message) from error
        raise InputError(message) from error
    print(f"edgecv: exported in {time.monotonic() - started:.0f} s", file=sys.stderr)
