"""Runs a command again and again, and ends it at each file-system call that changes something.

strace injects the faults: it meets the calls of every library (FFmpeg, torch, NumPy) and of static
code, which a preloaded shim would miss, and needs no C of our own. Debian has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHANGES = ("mkdir", "chmod", "write", "fsync", "ftruncate", "rename", "renameat2", "unlink")
CHANGES += ("unlinkat", "rmdir")
WRITES = ("write", "fsync", "mkdir", "rename")
# strace counts the calls of each kind apart, from 1.
FAULTS = {
    "killed": ("signal=SIGKILL", CHANGES),
    "interrupted": ("signal=SIGINT", CHANGES),
    "no space": ("error=ENOSPC", WRITES),
}
COMMAND = "import sys; from edgecv.cli.main import main; sys.exit(main(sys.argv[1:]))"


@dataclass(frozen=True)
class Point:
    fault: str
    call: str
    number: int

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.number}"


def python(code: str, *words: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, words)]


def run(
    command: Sequence[str], point: Point | None = None, log: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command, with a fault at one point."""
    words = list(command)
    if point is not None:
        how, _ = FAULTS[point.fault]
        inject = f"inject={point.call}:{how}:when={point.number}"
        trace = ["-e", f"trace={point.call}", "-e", inject]
        words = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(log), *trace, *words]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        words, capture_output=True, text=True, env=environment, start_new_session=True, timeout=600
    )


def calls_of(command: Sequence[str], log: Path) -> dict[str, int]:
    """How often an undisturbed run of a command makes each call, in its thread that makes most."""
    trace = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(log)]
    done = subprocess.run(
        [*trace, "-e", f"trace={','.join(CHANGES)}", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    counts: dict[str, dict[str, int]] = {call: {} for call in CHANGES}
    for line in log.read_text(errors="replace").splitlines():
        thread, _, rest = line.partition(" ")
        call = rest.strip().partition("(")[0]
        if call in counts:
            counts[call][thread] = counts[call].get(thread, 0) + 1
    return {call: max(found.values(), default=0) for call, found in counts.items()}


def points(counts: dict[str, int], most: int | None = None) -> Iterator[Point]:
    """Every fault at every call; `most` of each kind, spread, for the short form."""
    for fault, (_, calls) in FAULTS.items():
        for call in calls:
            numbers = list(range(1, counts.get(call, 0) + 1))
            if most is not None and len(numbers) > most:
                numbers = [numbers[round(i * (len(numbers) - 1) / (most - 1))] for i in range(most)]
            yield from (Point(fault, call, number) for number in numbers)


def sweep(
    command: Sequence[str],
    prepare: Callable[[], None],
    state: Callable[[], str],
    log: Path,
    most: int | None = None,
) -> list[str]:
    """What goes wrong: no line for a command that keeps its promise.

    Args:
        command: what is run; it changes the state from "old" to "new".
        prepare: makes the old state.
        state: "old", "new", or what is wrong with what is there.
        log: a file for strace.
        most: points of each kind; None: all.
    """
    prepare()
    counts = calls_of(command, log)
    found = []
    for point in points(counts, most):
        prepare()
        done = run(command, point, log)
        after = state()
        if after not in ("old", "new"):
            found.append(f"{point}: {after}")
        if point.fault != "killed" and "Traceback" in done.stderr:
            found.append(f"{point}: {done.stderr.strip().splitlines()[-1]}")
        if done.returncode == 0 and after != "new":
            found.append(f"{point}: said that it was done, and it is {after}")
        again = run(command)
        if again.returncode != 0 or state() != "new":
            found.append(f"{point}: the next run: {state()}; {again.stderr.strip()[-200:]}")
    return found
