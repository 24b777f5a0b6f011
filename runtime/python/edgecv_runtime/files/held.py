"""Which files and folders a living process holds. The system lets go of those of one that dies."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LONGEST = 24 * 3600.0  # seconds that a draft is taken to be in use where nobody can tell
_WAIT = 10.0  # seconds
_alone: set[int] = set()  # open folders of `alone`


@contextlib.contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Holds a file or folder, wherever it is moved to, as long as the block runs. False where it is
    not at `path` any more."""
    if fcntl is None:
        yield True
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield _is_at(handle, path)
    finally:
        os.close(handle)


@contextlib.contextmanager
def creating(path: Path) -> Iterator[bool]:
    """Makes an empty file and holds it as long as the block runs, wherever it is moved to. False
    where another process took it for one of a dead process in that moment, and removed it.

    Raises OSError, among them FileExistsError.
    """
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    try:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_SH)
        yield _is_at(handle, path)
    finally:
        os.close(handle)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Keeps other processes that ask for the same out of a folder as long as the block runs.

    False where another one is there; True where nobody can tell, as on a file system without locks.
    Children that this process forks do not keep it.

    Raises OSError where the folder cannot be opened.
    """
    if fcntl is None:
        yield True
        return
    handle = os.open(folder, os.O_RDONLY)
    _alone.add(handle)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        except OSError:  # a file system without locks
            free = True
        yield free
    finally:
        _alone.discard(handle)
        os.close(handle)


def _let_go() -> None:
    """In a forked child: a loader's process may live on for some seconds when its parent has died,
    and the lock with it."""
    while _alone:
        os.close(_alone.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


@contextlib.contextmanager
def claimed(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Whether nobody holds what is at `path`; then nobody else claims it while the block runs.

    Args:
        wait: for one who holds it, some seconds.
    """
    if fcntl is None:
        yield _is_old(path)
        return
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield _lock(handle, path, _WAIT if wait else 0) and _is_at(handle, path)
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)
        except OSError:  # a file system without locks
            return _is_old(path)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > _LONGEST
    except OSError:
        return False
