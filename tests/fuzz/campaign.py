"""All fuzzers for so many minutes, each in a process of its own that may crash or hang.

``python tests/fuzz/campaign.py MINUTES [--jobs N] [--out FOLDER] [READER ...]``

While they run, ``FOLDER/NAME.txt`` says how far each one is; the files that were read wrongly, and
what was wrong, lie beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MEMORY = 4 << 30  # bytes that a reader may take
_SILENCE = 900.0  # seconds after which a file that is still being read is taken for one without end
_FAULTS = 20  # of a reader, that are enough
_FORK = multiprocessing.get_context("fork")  # imports torch once for all


@dataclass
class _Run:
    """A fuzzer at work. `shared` holds the number of files, the time of the last one and how many
    seconds of the processor they took."""

    name: str
    minutes: float
    out: Path
    started: float = field(default_factory=time.monotonic)
    faults: list[str] = field(default_factory=list)
    before: int = 0  # files of processes that died, and the seconds that these had
    seconds: float = 0.0
    shared: Any = None
    pipe: Any = None
    process: Any = None

    def start(self) -> None:
        folder = self.folder()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.shared = _FORK.Array("d", [0.0, time.monotonic(), 0.0], lock=False)
        self.pipe, into = _FORK.Pipe(duplex=False)
        end = self.started + 60 * self.minutes
        self.process = _FORK.Process(
            target=_work, args=(self.name, end, folder, self.out, self.shared, into)
        )
        self.process.start()
        into.close()

    def folder(self) -> Path:
        return Path(tempfile.gettempdir()) / f"edgecv-fuzz-{os.getpid()}-{self.name}"

    def is_over(self) -> bool:
        """Takes what was found. A process that died or hangs is a fault, and another goes on."""
        with contextlib.suppress(EOFError):
            while self.pipe.poll():
                self.faults.append(self.pipe.recv())
        silent = time.monotonic() - self.shared[1] > _SILENCE
        if self.process.is_alive() and not silent:
            self._write()
            return False
        reason = "it does not end" if silent and self.process.is_alive() else ""
        self.process.kill()
        self.process.join()
        if not reason and self.process.exitcode:
            reason = f"the process ended with {self.process.exitcode}"
        self.before += int(self.shared[0])
        self.seconds += self.shared[2]
        self.shared[:] = [0.0, 0.0, 0.0]
        if reason:
            self.faults.append(f"{_keep(self.name, self.folder() / 'now', self.out)}: {reason}")
        over = time.monotonic() > self.started + 60 * self.minutes or len(self.faults) >= _FAULTS
        if not over:
            self.start()
        self._write()
        return over

    def text(self) -> str:
        minutes = (time.monotonic() - self.started) / 60
        files = self.before + int(self.shared[0])
        seconds = self.seconds + self.shared[2]
        found = f"{len(self.faults)} faults" if self.faults else "nothing found"
        return (
            f"{self.name}: {minutes:.1f} minutes ({seconds / 60:.1f} of the processor), "
            f"{files} files, {found}"
        )

    def _write(self) -> None:
        draft = self.out / f"{self.name}.tmp"
        draft.write_text("\n".join([self.text(), *self.faults]) + "\n")
        draft.replace(self.out / f"{self.name}.txt")


def _work(name: str, end: float, folder: Path, out: Path, shared: Any, pipe: Any) -> None:
    from fuzz.fuzzing import read_one

    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _speak_into(out / f"{name}.log")
    source = random.Random(time.time_ns())
    place = folder / "now"
    places: set[str] = set()
    parent = os.getppid()
    while time.monotonic() < end and len(places) < _FAULTS and os.getppid() == parent:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        path, fault = read_one(name, source, place)
        shared[0] += 1
        shared[1] = time.monotonic()
        shared[2] = time.process_time()
        # The same line of code again says nothing new.
        if fault is not None and (where := fault.rpartition(" (")[2]) not in places:
            places.add(where)
            pipe.send(f"{_keep(name, path, out)}: {fault}")
    shutil.rmtree(place, ignore_errors=True)


def _speak_into(log: Path) -> None:
    """What engines and decoders say about each file goes to a file that stays small."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def _keep(name: str, path: Path, out: Path) -> Path:
    kept = out / f"{name}_{time.time_ns()}"
    if path.is_dir():
        shutil.copytree(path, kept)
    else:
        shutil.copyfile(path, kept)
    return kept


def main() -> int:
    from fuzz.readers import READERS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("readers", nargs="*", metavar="READER")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    args = parser.parse_args()
    unknown = [name for name in args.readers if name not in READERS]
    if unknown:
        parser.error(f"unknown reader {unknown[0]}; there are {', '.join(READERS)}")
    args.out.mkdir(parents=True, exist_ok=True)
    waiting, runs, faults = list(args.readers or READERS), [], 0
    while waiting or runs:
        while waiting and len(runs) < args.jobs:
            runs.append(_Run(waiting.pop(0), args.minutes, args.out))
            runs[-1].start()
        time.sleep(1)
        for run in [run for run in runs if run.is_over()]:
            runs.remove(run)
            faults += len(run.faults)
            print("\n  ".join([run.text(), *run.faults]), flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
