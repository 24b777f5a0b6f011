"""From what a user gives to sources that can be read, and the check of the options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from edgecv.live.batches import Source
from edgecv.live.choice import FrameChoice
from edgecv.live.ordered import OrderedSource
from edgecv_runtime import InputError
from edgecv_runtime.sources import Failure, Frame, Images, SourceLike, Video, resolve_source
from edgecv_runtime.sources.live.readers.choice import opener
from edgecv_runtime.sources.live.source import STALLED_S, LiveSource
from edgecv_runtime.sources.live.states import StateChange

_MOTION = 0.002


@dataclass(frozen=True)
class LiveOptions:
    """The options of `edgecv.Live` that are numbers and names."""

    batch: int = 1
    max_wait_ms: float = 10.0
    reader: str | None = None
    timeout: float = 10.0
    max_fps: float | None = None
    skip: int = 0
    motion: bool | float = False

    def check(self) -> None:
        """Raises InputError for the first that is out of range."""
        _check_whole("batch", self.batch, 1)
        _check_whole("skip", self.skip, 0)
        _check_real("max_wait_ms", self.max_wait_ms, 0, 60_000)
        _check_real("timeout", self.timeout, 0.1, 3600)
        if self.max_fps is not None:
            _check_real("max_fps", self.max_fps, 0.001, 1000)
        if not isinstance(self.motion, bool):
            _check_real("motion", self.motion, 0, 1)

    @property
    def motion_share(self) -> float | None:
        if isinstance(self.motion, bool):
            return _MOTION if self.motion else None
        return float(self.motion)


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name}: expected a whole number of at least {least}, got {value!r}")


def _check_real(name: str, value: object, least: float, most: float) -> None:
    number = not isinstance(value, bool) and isinstance(value, Real)
    if not number or not least <= float(value) <= most:  # type: ignore[arg-type]
        raise InputError(f"{name}: expected a number from {least:g} to {most:g}, got {value!r}")


def open_sources(
    sources: SourceLike,
    options: LiveOptions,
    ring: Callable[[], None],
    tell: Callable[[StateChange], None],
    fail: Callable[[Failure], None],
) -> list[Source]:
    """A source for each entry, not started yet. Raises InputError for what is not there."""
    entries: list[Any] = list(sources) if isinstance(sources, (list, tuple)) else [sources]
    if not entries:
        raise InputError("no source given: expected a camera, an address, a video or a folder")
    return [
        _open_one(entry, index, options, ring, tell, fail) for index, entry in enumerate(entries)
    ]


def _open_one(
    entry: str | int | os.PathLike[str],
    index: int,
    options: LiveOptions,
    ring: Callable[[], None],
    tell: Callable[[StateChange], None],
    fail: Callable[[Failure], None],
) -> Source:
    parts = resolve_source(entry)
    keep = FrameChoice(options.max_fps, options.skip, options.motion_share)
    first = parts[0]
    if isinstance(first, Video) and first.live:
        silence_ms = round(options.timeout * 1000)
        return LiveSource(
            first.name,
            opener(first, options.reader, silence_ms),
            index=index,
            silence_s=options.timeout,
            stalled_s=min(STALLED_S, options.timeout / 2),
            ring=ring,
            tell=tell,
            keep=keep,
        )
    name = first.name if isinstance(first, Video) else os.fspath(str(entry))
    return OrderedSource(
        name,
        _frames(parts),
        index=index,
        ahead=max(4, options.batch),
        ring=ring,
        fail=fail,
        keep=keep,
    )


def _frames(parts: Sequence[Images | Video]) -> Iterator[Frame | Failure]:
    for part in parts:
        yield from part
