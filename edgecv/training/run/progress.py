"""What long work shows its progress with; the caller makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Bar(Protocol):
    """Shows progress from its construction until `close`."""

    def update(self, steps: int = 1, note: str | None = None) -> None:
        """So many more steps are done; `note` is shown behind them."""
        ...

    def close(self) -> None: ...


# Number of steps (None: unknown), what one is, title -> the bar.
MakeBar = Callable[[int | None, str, str], Bar]
