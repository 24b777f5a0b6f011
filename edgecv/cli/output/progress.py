"""How far a long command is: a bar on a terminal, a line now and then elsewhere, on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, TextIO

from edgecv_runtime.one_line import printable

FIRST_LINE = 10.0  # seconds after the start; what takes less says nothing
NEXT_LINES = 30.0  # seconds from a line to the next
COLUMNS, LINES = 80, 24  # of a terminal that says 0 and 0, as some in containers and scripts do


class Progress:
    """Counts steps with their rate and the time left. A context manager.

    Where stderr is a terminal and tqdm is installed it shows a bar, which vanishes at the end.
    Elsewhere (a log, a pipe) it writes a line after 10 seconds and then one every 30.

    Args:
        total: number of steps; None: unknown, as in a stream.
        unit: what a step is, in the singular.
        title: stands in front, such as "epoch 3/60".

    Example:
        with Progress(len(images), "image") as progress:
            for image in images:
                progress.update()
    """

    def __init__(self, total: int | None, unit: str, title: str = "") -> None:
        self.total = total
        self.unit = unit
        self.title = printable(title)
        self.done = 0
        self._note = ""
        self._started = time.monotonic()
        self._due = self._started + FIRST_LINE
        self._bar: Any = None
        if not sys.stderr.isatty():
            return
        try:
            from tqdm import tqdm
        except ModuleNotFoundError:  # not among all extras; the lines say the same
            return
        wide = _has_width(sys.stderr)
        self._bar = tqdm(
            total=total,
            unit=unit,
            desc=self.title or None,
            file=sys.stderr,
            dynamic_ncols=wide,
            ncols=None if wide else COLUMNS,
            nrows=None if wide else LINES,
            leave=False,
        )

    def update(self, steps: int = 1, note: str | None = None) -> None:
        """So many more steps are done. `note` replaces what is shown behind, such as a loss."""
        self.done += steps
        if note is not None:
            note = self._note = printable(note)
        if self._bar is not None:
            if note is not None:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(steps)
            return
        now = time.monotonic()
        if now >= self._due:
            self._due = now + NEXT_LINES
            print(self.line(now - self._started), file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """The state in one line, `seconds` after the start."""
        rate = self.done / max(seconds, 1e-9)
        many = self.total is None or self.total != 1
        words = f"{self.done}" if self.total is None else f"{self.done}/{self.total}"
        parts = [f"{words} {self.unit}{'s' if many else ''}", _rate(rate, self.unit)]
        if self.total is not None and self.done:
            parts.append(f"{duration((self.total - self.done) / rate)} left")
        if self._note:
            parts.append(self._note)
        return (f"{self.title}: " if self.title else "") + ", ".join(parts)

    def print(self, text: str, file: TextIO) -> None:
        """A line that does not tear the bar."""
        if self._bar is not None:
            self._bar.write(text, file=file)
        else:
            print(text, file=file, flush=True)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def duration(seconds: float) -> str:
    """`45 s`, `12 min 5 s` or `3 h 20 min`."""
    whole = round(max(seconds, 0))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _has_width(terminal: TextIO) -> bool:
    """Where a terminal says that it has no columns and lines, tqdm shows nothing."""
    try:
        return os.get_terminal_size(terminal.fileno()).columns > 0
    except (OSError, ValueError):
        return False


def _rate(rate: float, unit: str) -> str:
    if 0 < rate < 1:
        return f"{1 / rate:.1f} s/{unit}"
    return f"{rate:.1f} {unit}s/s"


def with_progress(items: Iterable[Any], title: str = "") -> Iterator[Any]:
    """The images, with a bar that moves on after each."""
    entries = list(items)
    with Progress(len(entries), "image", title) as bar:
        for entry in entries:
            yield entry
            bar.update()
