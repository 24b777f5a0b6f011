"""The progress bar of a long task. The caller provides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Bar(Protocol):
    """Shows progress from its construction until `close`."""

    def update(self, steps: int = 1, note: str | None = None) -> None:
        """Adds steps that are done; `note` is shown behind them."""
        ...

    def close(self) -> None: ...


# Number of steps (None: unknown), unit, title -> bar.
MakeBar = Callable[[int | None, str, str], Bar]
