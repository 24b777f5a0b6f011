"""A parity report as a table for a person."""

from __future__ import annotations

from collections.abc import Sequence

from edgecv_runtime.one_line import printable

Row = tuple[str, str, str]  # what, how much of it was found, what is allowed ("": anything)


def parity_table(rows: Sequence[Row], note: str | None = None) -> str:
    """The rows under a heading; the note, where there is one, in a line behind them."""
    heading = ("parity with torch", "found", "allowed")
    lines = [
        f"{name:<30} {found:>20} {allowed:>10}".rstrip()
        for name, found, allowed in (heading, *((printable(row[0]), *row[1:]) for row in rows))
    ]
    return "\n".join(lines if note is None else [*lines, note])


def count(name: str, value: int, allowed: str = "") -> Row:
    return name, f"{value}", allowed


def difference(name: str, value: float, allowed: float | None = None) -> Row:
    return name, f"{value:.3g}", "" if allowed is None else f"{allowed:g}"


def difference_of(name: str, value: float, largest: float, allowed: float | None = None) -> Row:
    """A difference beside the largest value of what was compared."""
    return name, f"{value:.3g} of {largest:.3g}", "" if allowed is None else f"{allowed:.3g}"
