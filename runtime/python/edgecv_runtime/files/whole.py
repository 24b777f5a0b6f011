"""Whole or nothing: a file or folder appears at its place complete, or what was there stays.

What is being written is a draft, in the folder where it is to be, and moves into place in one step
of the file system. A draft whose process has died is removed by the next one that writes there.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from edgecv_runtime.files import held

_PREFIX = ".edgecv-"  # not the target's name, which may be as long as a name can be
_DRAFT = ".tmp"
_ASIDE = ".old"
_cleared: set[Path] = set()  # folders in which this process has looked for drafts of dead ones


def write_file(
    path: str | os.PathLike[str], content: bytes | memoryview | str, *, sync: bool = True
) -> None:
    """Writes a file whole or not at all; text as UTF-8. Arguments and errors: see `new_file`."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with new_file(path, sync=sync) as draft:
        draft.write_bytes(data)


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str], *, sync: bool = True) -> Iterator[Path]:
    """A draft to write to, with the suffix of `path`, that becomes the file at `path` when the
    block ends, and vanishes when the block raises. A link is followed; rights of an old file are
    kept; what is not a plain file, such as ``/dev/stdout``, is written to as it is.

    Args:
        path: of the file; its folder is made.
        sync: whether the content is on the disk before the name is, so that a power cut leaves the
            old file or the new one, too. Without it that holds for a process that dies.

    Raises:
        OSError: the file cannot be written; its ``filename`` is `path`.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target  # such as /dev/stdout
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_once(target.parent)
        with _draft(target.parent, target.suffix, folder=False) as draft:
            yield draft
            if sync:
                _sync(draft)
            with contextlib.suppress(FileNotFoundError):
                draft.chmod(target.stat().st_mode & 0o7777)
            os.replace(draft, target)
    except OSError as error:
        if error.filename is None or is_draft(Path(os.fsdecode(error.filename)).name):
            error.filename, error.filename2 = os.fspath(path), None
        raise


@contextlib.contextmanager
def new_folder(path: str | os.PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """A draft folder to fill, that becomes the folder at `path` when the block ends, and vanishes
    when the block raises.

    Args:
        path: of the folder; those above it are made. A link is followed.
        replace: whether a folder with content may be replaced.

    Raises:
        FileExistsError: there is one with content, which may not be replaced.
        OSError: it cannot be written; its ``filename`` is `path`.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    recover_folder(target)
    clear_drafts(target.parent)
    try:
        with _draft(target.parent, "", folder=True) as draft:
            yield draft
            for root, _, files in os.walk(draft):
                for name in files:
                    _sync(Path(root, name))
            _put_folder(draft, target, replace)
    except OSError as error:
        names = Path(os.fsdecode(error.filename or "")).parts
        if error.filename is None or any(is_draft(name) for name in names):
            error.filename, error.filename2 = os.fspath(path), None
        raise


@contextlib.contextmanager
def draft_folder(parent: str | os.PathLike[str]) -> Iterator[Path]:
    """A hidden folder in `parent` that vanishes when the block ends, or, where the process dies,
    with the next `clear_drafts` there. Raises OSError."""
    with _draft(Path(parent), "", folder=True) as draft:
        yield draft


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this user alone in the system's folder for temporary files, that vanishes when
    the block ends, or, where the process dies, with the next process that asks for one there.

    Raises OSError.
    """
    import tempfile  # here, since few commands need it and all import this module

    parent = Path(tempfile.gettempdir())
    _clear_once(parent)
    with _draft(parent, "", folder=True, rights=0o700) as draft:
        yield draft


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Removes a folder: nobody sees a part of it at its place, whenever the process dies.

    Raises OSError where it cannot be moved away; it is as it was then.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f"{_PREFIX}{_token()}{_DRAFT}")
    os.rename(target, draft)
    remove_draft(draft)


def abandoned_drafts(folder: str | os.PathLike[str]) -> list[Path]:
    """The drafts in a folder whose processes have died."""
    try:
        names = [name for name in os.listdir(folder) if is_draft(name)]
    except OSError:
        return []
    found = []
    for name in names:
        with held.claimed(Path(folder, name)) as dead:
            if dead:
                found.append(Path(folder, name))
    return found


def clear_drafts(folder: str | os.PathLike[str]) -> None:
    """Removes what processes that have died left in a folder."""
    for draft in abandoned_drafts(folder):
        remove_draft(draft)


def recover_folder(path: str | os.PathLike[str]) -> None:
    """Brings back a folder whose process died between the two renames of its replacement.

    Only file systems that cannot exchange two folders in one step need it. A process that is at
    work between them is waited for.
    """
    target = Path(os.path.realpath(path))
    try:
        names = [name for name in os.listdir(target.parent) if name.startswith(_aside(target))]
    except OSError:
        return
    for name in names:
        aside = target.with_name(name)
        with held.claimed(aside, wait=True) as dead, contextlib.suppress(OSError):
            if not dead:
                continue
            if os.path.lexists(target):
                shutil.rmtree(aside, ignore_errors=True)
            else:
                os.rename(aside, target)


def _put_folder(draft: Path, target: Path, replace: bool) -> None:
    try:
        os.rename(draft, target)  # in place of nothing, or of an empty folder
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if not replace:
            raise FileExistsError(errno.EEXIST, "is not empty", os.fspath(target)) from error
    if not exchange(draft, target):
        _put_in_two_steps(draft, target)


def exchange(one: Path, other: Path) -> bool:
    """Two paths change their places in one step. False where the system cannot.

    Raises OSError.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, TypeError, OSError):  # another system, or an older C library
        return False
    here, exchanged = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if rename(here, os.fsencode(one), here, os.fsencode(other), exchanged) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):  # this file system
        return False
    raise OSError(number, os.strerror(number), os.fspath(other))


def _put_in_two_steps(draft: Path, target: Path) -> None:
    aside = target.with_name(f"{_aside(target)}{_token()}{_ASIDE}")
    with held.holding(target):
        try:
            os.rename(target, aside)
            os.rename(draft, target)
        except BaseException:
            if not os.path.lexists(target):
                os.rename(aside, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _aside(target: Path) -> str:
    return f"{_PREFIX}{sha256(os.fsencode(target.name)).hexdigest()[:16]}-"


@contextlib.contextmanager
def _draft(parent: Path, suffix: str, *, folder: bool, rights: int = 0o777) -> Iterator[Path]:
    while True:
        draft = parent / f"{_PREFIX}{_token()}{_DRAFT}{suffix}"
        try:
            if folder:
                draft.mkdir(rights)
            else:
                os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            with held.holding(draft) as there:
                if not there:  # in this moment another process took it for one of a dead process
                    continue
                yield draft
                return
        finally:
            remove_draft(draft)


def is_draft(name: str) -> bool:
    """Whether a file or folder of that name is a draft of ours."""
    return name.startswith(_PREFIX) and _DRAFT in name


def _clear_once(folder: Path) -> None:
    if folder not in _cleared:
        _cleared.add(folder)
        clear_drafts(folder)


def remove_draft(draft: Path) -> None:
    if draft.is_dir() and not draft.is_symlink():
        shutil.rmtree(draft, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        draft.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _token() -> str:
    return os.urandom(6).hex()
