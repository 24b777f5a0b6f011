"""A bundle's files, from a folder or a ``.zip``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from edgecv_runtime._core import Bundle, BundleError
from edgecv_runtime.files.regular import check_regular
from edgecv_runtime.files.whole import recover_folder, temporary_folder
from edgecv_runtime.one_line import brief, one_line

MAX_UNPACKED_BYTES = 8 << 30
MAX_DIRECTORY_BYTES = 1 << 20  # of the list of entries: some ten thousand


@contextmanager
def open_bundle(path: str | os.PathLike[str]) -> Iterator[Bundle]:
    """A bundle whose files can be read inside the ``with`` block, be it a folder or a ``.zip``.

    Raises:
        BundleError: there is no bundle, or its manifest cannot be used.
    """
    import zipfile  # here, because most bundles are folders, and importing edgecv should be quick

    path = Path(path)
    if "\0" in str(path):
        raise BundleError(f"{brief(str(path))}: is not a path: it holds a zero byte")
    with one_line(path, "expected the folder or .zip of a bundle", BundleError):
        there = path.exists()
    if not there:
        recover_folder(path)
    if path.is_dir():
        yield Bundle.open(str(path))
        return
    if not path.exists():
        raise BundleError(f"{path} does not exist: expected the folder or .zip of a bundle")
    if path.suffix.lower() in (".pt", ".pth", ".ckpt"):
        raise BundleError(
            f"{path} is a checkpoint, not a bundle: edgecv export {path} --out {path.stem} "
            "makes one"
        )
    if path.suffix.lower() == ".onnx":
        raise BundleError(
            f"{path} is an ONNX file, not a bundle: edgecv wrap {path} --inspect begins to make one"
        )
    if path.suffix.lower() == ".safetensors":
        raise BundleError(
            f"{path} has weights only, not a bundle: edgecv export ARCHITECTURE --weights {path} "
            f"--out {path.stem} makes one"
        )
    check_regular(path)
    if not zipfile.is_zipfile(path):
        raise BundleError(
            f"{path} is not a bundle: expected a folder with bundle.json, or a .zip of one"
        )
    with temporary_folder() as folder:
        yield Bundle.open(str(_unpack(path, folder)))


def directory_bytes(archive: Path) -> int:
    """Size of the list of a zip's entries, of which zipfile makes a gigabyte for a million."""
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 98))
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    listed = int.from_bytes(tail[end + 12 : end + 16], "little")
    if (
        tail[max(0, end - 20) : end - 16] == b"PK\6\7" and end >= 76
    ):  # zip64 counts in its own record
        listed = int.from_bytes(tail[end - 36 : end - 28], "little")
    return listed


def _check_directory(archive: Path) -> None:
    """Raises BundleError where the list of a zip's entries is longer than that of a bundle."""
    listed = directory_bytes(archive)
    if listed > MAX_DIRECTORY_BYTES:
        raise BundleError(
            f"{archive}: lists {listed:,} bytes of entries, {MAX_DIRECTORY_BYTES:,} at most are "
            "expected of a bundle"
        )


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpacks a zip that holds a bundle, at its top or in one folder; gives the bundle's folder."""
    import zipfile

    expected = "expected the .zip of a bundle: copy it again"
    _check_directory(archive)
    with one_line(archive, expected, BundleError), zipfile.ZipFile(archive) as zipped:
        entries = [entry for entry in zipped.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
            raise BundleError(f"{archive} unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
        for entry in entries:
            parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
            if not parts or ".." in parts or parts[0].startswith("/") or ":" in parts[0]:
                shown = brief(entry.filename)
                raise BundleError(f"{archive} holds a path that leaves it: {shown}")
        zipped.extractall(folder, entries)
    manifests = [folder / "bundle.json", *folder.glob("*/bundle.json")]
    for manifest in manifests:
        if manifest.is_file():
            return manifest.parent
    raise BundleError(f"{archive} holds no bundle.json")
