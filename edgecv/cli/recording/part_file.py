"""Files that take long to write: what there is of one so far stands beside its place, under a name
that everybody sees, such as `clip.part.mp4` for `clip.mp4`."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from edgecv_runtime.files import held

_LONGEST = 200  # bytes of the target's name that a part's name begins with; a name has 255


@contextlib.contextmanager
def part_file(path: str | os.PathLike[str], *, sync: bool = True) -> Iterator[Path]:
    """An empty file to write to, that takes the place of `path` when the block ends.

    It stays where it is when the block raises, or the process is killed, unless it is empty. Parts
    of earlier runs are kept and told of; this one is then `clip.part2.mp4`, and so on. A link is
    followed; rights of an old file are kept.

    Args:
        path: of the file; its folder is made.
        sync: whether the content is on the disk before the name is.

    Raises:
        OSError: it cannot be written; its ``filename`` is `path`.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise OSError(errno.EINVAL, "not a regular file")
        target.parent.mkdir(parents=True, exist_ok=True)
        with _new_part(target) as part:
            yield part
            if sync:
                with part.open("r+b") as written:
                    os.fsync(written.fileno())
            with contextlib.suppress(FileNotFoundError):
                part.chmod(target.stat().st_mode & 0o7777)
            os.replace(part, target)
    except OSError as error:
        name = os.fsdecode(error.filename) if error.filename is not None else None
        if name is None or Path(name) in (target, *itertools.islice(_names(target), 1)):
            error.filename, error.filename2 = os.fspath(path), None
        raise


def _names(target: Path) -> Iterator[Path]:
    stem = os.fsencode(target.stem)
    # Cut between two characters.
    start = target.stem if len(stem) <= _LONGEST else stem[:_LONGEST].decode(errors="ignore")
    for number in itertools.count(1):
        count = "" if number == 1 else str(number)
        yield target.with_name(f"{start}.part{count}{target.suffix}")


@contextlib.contextmanager
def _new_part(target: Path) -> Iterator[Path]:
    for part in _names(target):
        _look_at(part)
        with contextlib.ExitStack() as stack:
            try:
                there = stack.enter_context(held.creating(part))
            except FileExistsError:
                continue
            if not there:
                continue
            try:
                yield part
            except BaseException:
                with contextlib.suppress(OSError):
                    if part.stat().st_size == 0:
                        part.unlink()
                raise
            return


def _look_at(part: Path) -> None:
    """Tells of a part whose process has died; removes it if it is empty."""
    with held.claimed(part) as dead, contextlib.suppress(OSError):
        if dead and part.stat().st_size:
            warnings.warn(
                f"{part}: left by an earlier run that did not finish it; it is kept: use it or "
                "remove it",
                stacklevel=2,
            )
        elif dead:
            part.unlink()
