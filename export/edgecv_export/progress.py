"""The progress of long work, shown by the caller's progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgecv.training.run.progress import Bar, MakeBar


class Silent:
    """A bar that shows nothing."""

    def __init__(self, total: int | None, unit: str, title: str) -> None:
        pass

    def update(self, steps: int = 1, note: str | None = None) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def shown(make: MakeBar | None, total: int | None, unit: str, title: str) -> Iterator[Bar]:
    """A bar inside the ``with`` block; without `make` it shows nothing."""
    bar = (make or Silent)(total, unit, title)
    try:
        yield bar
    finally:
        bar.close()
