"""Lines about cameras: which came, stalled, was lost and came back; and what was measured."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    from edgecv_runtime.sources.live.states import StateChange


class Lines:
    """Prints whole lines from any thread: records on stdout, words on stderr."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._lock = threading.Lock()

    def record(self, record: dict[str, Any]) -> None:
        with self._lock:
            sys.stdout.write(json.dumps(record) + "\n")
            sys.stdout.flush()

    def say(self, text: str) -> None:
        with self._lock:
            print(printable(text), file=sys.stderr, flush=True)


class CameraEvents:
    """Tells of each change that matters, once: a camera that is away is tried again and again.

    Args:
        lines: where it is told.
        count: how many sources there are. Where there is one that never came, the command ends with
            the reason, and it is not told here.
    """

    def __init__(self, lines: Lines, count: int) -> None:
        self._lines = lines
        self._alone = count == 1
        self._last: dict[int, str] = {}

    def __call__(self, change: StateChange) -> None:
        state, before = str(change.state), self._last.get(change.index)
        if state in ("connecting", before) or (before is None and state == "lost" and self._alone):
            return
        self._last[change.index] = state
        text = f"edgecv: {change.source}: {state}"
        if state == "lost":
            reason = (change.reason or "").removeprefix(f"{change.source}: ")
            text += f", and opened again from now on: {reason}"
        elif state == "stalled":
            text += ": no frame has come for a while"
        elif change.reason is not None:
            text += f" ({change.reason})"
        self._lines.say(text)
        if self._lines.as_json:
            self._lines.record(change.to_dict())


def stats_in_words(stats: dict[str, Any]) -> str:
    """One line: results in a second, and the age of results and the slowest steps."""
    parts = [f"{stats['results_per_second']:.1f} results/s"]
    for name, found in sorted(
        stats["ms"].items(), key=lambda item: (item[0] != "age", -item[1]["p50"])
    ):
        parts.append(f"{name} {found['p50']:.1f}, {found['p95']:.1f}, {found['p99']:.1f} ms")
    counts = {
        name: sum(source[name] for source in stats["sources"]) for name in ("dropped", "left_out")
    }
    parts += [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    return "; ".join(parts)
