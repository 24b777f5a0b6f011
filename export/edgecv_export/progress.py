"""How far a long piece of work is, shown by whatever the caller shows progress with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Bar(Protocol):
    """Shows progress from its construction until `close`."""

    def update(self, steps: int = 1, note: str | None = None) -> None:
        """So many more steps are done; `note` is shown behind them."""
        ...

    def close(self) -> None: ...


# Number of steps (None: unknown), what one is, title -> the bar.
MakeBar = Callable[[int | None, str, str], Bar]


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
