"""Runs a command again and again, and ends it at each file-system call that changes something.

strace injects the faults: it meets the calls of every library (FFmpeg, torch, NumPy) and of static
code, which a preloaded shim would miss, and needs no C of our own. Debian has it.

What is tried: an undisturbed run is traced first. Each of its calls that makes, changes, moves or
removes a file below the test's folder (its standard output and error are files there) is a point.
Of consecutive writes to one file the first, the middle and the last are tried, since what lies
between leaves the same: a file that is cut. At each point the command is killed, interrupted
(Ctrl-C) and, where the call can need space, told that there is none. Then the old state or the new
one has to be there, and the next run has to work; it is tried once for the same files.

What is swept, each as a whole command unless it says otherwise:

| command                              | old state            | the next run              |
|--------------------------------------|----------------------|---------------------------|
| export                               | nothing              | the same, or `info`       |
| export --overwrite                   | another bundle       | the same                  |
| wrap, with and without --overwrite   | a bundle, nothing    | the same, or `info`       |
| wrap --inspect --manifest            | nothing              | the same                  |
| build fp16, int8                     | no such graphs       | the same, or `info`       |
| build fp16, int8 --overwrite         | graphs of a build    | the same                  |
| build --engine tensorrt_rtx          | an engine, beside    | the same                  |
| build --engine tensorrt_rtx of a zip | an engine, in cache  | the same                  |
| train, two epochs                    | nothing              | --resume; equal to an     |
|                                      |                      | undisturbed run           |
| train of other tasks, 12 points      | nothing              | --resume; equal           |
| style, 12 points                     | an older image       | the same                  |
| demo, small, 40 points               | nothing              | the same, or `info`       |
| predict of a checkpoint              | a cache that is full | the same                  |
| predict --save of images, of a video | older results        | the same                  |
| camera --save                        | an older video       | the same                  |
| eval --set-thresholds                | other thresholds     | the same                  |
| the last steps of export and build   | another bundle       | the same                  |

Not swept: what torch, ONNX Runtime and others keep for themselves in the user's folders.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

WRITES = ("write", "pwrite64", "writev", "pwritev", "sendfile", "copy_file_range")
NEED_SPACE = (*WRITES, "openat", "mkdir", "mkdirat", "fsync", "fdatasync", "ftruncate", "fallocate")
NEED_SPACE += ("rename", "renameat", "renameat2", "link", "symlink")
CHANGES = (*NEED_SPACE, "chmod", "fchmod", "fchmodat", "truncate", "utimensat")
CHANGES += ("unlink", "unlinkat", "rmdir")
FAULTS = {
    "killed": ("signal=SIGKILL", CHANGES),
    "interrupted": ("signal=SIGINT", CHANGES),
    "no space": ("error=ENOSPC", NEED_SPACE),
}
COMMAND = "import sys; from edgecv.cli.main import main; sys.exit(main(sys.argv[1:]))"
_LONGEST = 120.0  # seconds of a run
_CALL = re.compile(r"(\d+) +(\w+)\((.*)")
_DRAFT = re.compile(r"\.edgecv-[0-9a-f]+|sem\.\w+|tmp\w{8}")


@dataclass(frozen=True)
class Call:
    """One that changes something, in an undisturbed run. strace counts the calls of each name and
    thread apart, from 1."""

    name: str
    number: int
    path: str

    def __str__(self) -> str:
        return f"{self.name} {self.number} ({self.path})"


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


class Stage:
    """Runs Python code and edgecv's commands as forks of one process (`stage.py`).

    Args:
        folder: for logs and streams; only calls on files below it count.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "streams" / "log"
        self.log.parent.mkdir(parents=True)
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("stage.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def close(self) -> None:
        self._server.kill()
        self._server.wait()

    def load(self, code: str) -> None:
        """Runs code once, in the process that the runs are forks of: imports, mostly."""
        self._ask({"load": code})
        threads = self._answer(_LONGEST)
        assert threads.startswith("1 "), f"a fork would lack threads of the stage: {threads}"

    def run(
        self, words: Sequence[object], code: str = COMMAND, trace: Sequence[str] = (), **env: str
    ) -> Done:
        """One run, under strace where it is given options."""
        out, err = (self.log.with_name(name) for name in ("out", "err"))
        request = {"out": str(out), "err": str(err), "words": [str(word) for word in words]}
        self._ask({**request, "code": code, "environment": env})
        process = int(self._answer(10))
        stat = Path(f"/proc/{process}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)
        strace = None
        if trace:
            options = ["strace", "-f", "-y", "-s", "0", "-o", str(self.log), *trace]
            strace = subprocess.Popen([*options, "-p", str(process)], stderr=subprocess.PIPE)
            assert strace.stderr is not None
            assert b"attached" in strace.stderr.readline()
        os.kill(process, signal.SIGCONT)
        try:
            status = int(self._answer(_LONGEST))
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            self._answer(10)
            status = -1000
        if strace is not None:
            strace.communicate()
        return Done(status, *(path.read_text(errors="replace") for path in (out, err)))

    def calls(self, words: Sequence[object], code: str = COMMAND, **env: str) -> list[Call]:
        """The changing calls of an undisturbed run, in their order."""
        done = self.run(words, code, ["-e", f"trace={','.join(CHANGES)}"], **env)
        assert done.status == 0, done.err
        return self._logged()

    def contents(self) -> str:
        """A hash of all names and files below the folder, but for logs and streams."""
        found = sha256()
        for path in sorted(self.folder.rglob("*")):
            if self.log.parent not in (path, path.parent):
                found.update(_DRAFT.sub("*", f"\0{path}\0").encode())
                found.update(path.read_bytes() if path.is_file() else b"")
        return found.hexdigest()

    def _logged(self) -> list[Call]:
        found, counts = [], Counter[tuple[str, str]]()
        for line in self.log.read_text(errors="replace").splitlines():
            match = _CALL.match(line)
            if match is None:  # an exit, a signal, the rest of a call
                continue
            thread, name, rest = match.groups()
            counts[thread, name] += 1
            failed = re.search(r" = -1 E(?!NOSPC)", rest)
            if str(self.folder) not in rest or failed:
                continue
            if name == "openat" and "O_CREAT" not in rest and "O_TRUNC" not in rest:
                continue
            path = re.findall(rf"{re.escape(str(self.folder))}/?([^\"<>]*)", rest)[-1]
            found.append(Call(name, counts[thread, name], _DRAFT.sub("*", path)))
        return found

    def _ask(self, request: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(request).encode() + b"\n")
        self._server.stdin.flush()

    def _answer(self, seconds: float) -> str:
        assert self._server.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._server.stdout], [], [], seconds)
            if not ready:
                raise TimeoutError
            part = os.read(self._server.stdout.fileno(), 1)
            assert part, "the stage has died"
            line += part
        return line.decode().strip()


def distinct(calls: Sequence[Call]) -> list[Call]:
    """Of consecutive writes to one file the first, the middle and the last."""
    kept: list[Call] = []
    same: list[Call] = []

    def flush() -> None:
        kept.extend(dict.fromkeys([*same[:1], *same[len(same) // 2 :][:1], *same[-1:]]))
        same.clear()

    for call in calls:
        if same and (call.name, call.path) != (same[0].name, same[0].path):
            flush()
        same.append(call)
        if call.name not in WRITES:
            flush()
    flush()
    return kept


@dataclass
class Sweep:
    """A command that changes a state from "old" to "new".

    Args:
        stage: has loaded what the command needs.
        words: of the command line.
        prepare: makes the old state.
        state: "old", "new", or what is wrong with what is there.
        following: words of the next run, which leads to the new state, by the state that is there.
        code: what runs; edgecv's command by default.
        live: Ctrl-C is the usual end of the command, and no failure.
        most: points of each fault, spread; None: all.
        environment: beside the usual one.
    """

    stage: Stage
    words: Sequence[object]
    prepare: Callable[[], None]
    state: Callable[[], str]
    following: Callable[[str], Sequence[object]] | None = None
    code: str = COMMAND
    live: bool = False
    most: int | None = None
    environment: dict[str, str] = field(default_factory=dict)
    _led_on: dict[str, str] = field(
        default_factory=dict
    )  # what the next run made of what was there

    def run(self) -> list[str]:
        """What goes wrong: no line for a command that keeps its promise."""
        self.prepare()
        assert self.state() == "old"
        calls = self.stage.calls(self.words, self.code, **self.environment)
        assert self.state() == "new" and calls, "an undisturbed run"
        found: list[str] = []
        tried, missed = Counter[str](), 0
        for fault, (_, names) in FAULTS.items():
            points = [call for call in distinct(calls) if call.name in names]
            for call in _spread(points, self.most):
                hit, wrong = self._try(fault, call)
                if not hit:  # a slow machine writes more lines of progress, so counts otherwise
                    self.prepare()
                    again = self.stage.calls(self.words, self.code, **self.environment)
                    near = [other for other in again if (other.name, other.path) == _what(call)]
                    hit, more = self._try(fault, near[0] if near else call)
                    wrong += more
                tried[fault] += 1
                missed += not hit
                found += [f"{fault} at {call}: {what}" for what in wrong]
        self._lead_on(self.state())  # callers look at what is there in the end
        print(
            f"{len(calls)} calls;",
            ", ".join(f"{count} {fault}" for fault, count in tried.items()),
            f"({missed} not met); {len(found)} found",
        )
        print(*found, sep="\n", end="\n" if found else "")
        assert missed <= max(1, tried.total() // 10), (
            f"{missed} of {tried.total()} points were not met"
        )
        return found

    def _try(self, fault: str, call: Call) -> tuple[bool, list[str]]:
        self.prepare()
        how, _ = FAULTS[fault]
        inject = f"inject={call.name}:{how}:when={call.number}"
        trace = ["-e", f"trace={call.name}", "-e", inject]
        done = self.stage.run(self.words, self.code, trace, **self.environment)
        hit = self._hit(fault, call)
        wrong = []
        after = self.state()
        if after not in ("old", "new"):
            wrong.append(after)
        if "Traceback" in done.err or "Exception ignored" in done.err:
            wrong.append(done.err.strip().splitlines()[-1])
        if done.status == -1000:
            wrong.append("hangs")
        if done.status == 0 and after != "new":
            wrong.append(f"said that it was done, and it is {after}")
        if fault == "interrupted" and hit and done.status == 0 and not self.live:
            wrong.append("went on")
        there = self.stage.contents()
        if there not in self._led_on:
            again = self._lead_on(after)
            right = again.status == 0 and self.state() == "new"
            self._led_on[there] = (
                "" if right else f"the next run: {again.status}, {self.state()}; {again.err[-300:]}"
            )
        if self._led_on[there]:
            wrong.append(self._led_on[there])
        return hit, wrong

    def _lead_on(self, after: str) -> Done:
        following = self.words if self.following is None else self.following(after)
        return self.stage.run(following, self.code, **self.environment)

    def _hit(self, fault: str, call: Call) -> bool:
        """Whether the fault came: threads may take turns otherwise than before."""
        text = self.stage.log.read_text(errors="replace")
        if fault == "killed":
            return "+++ killed by SIGKILL" in text
        return ("(INJECTED)" if fault == "no space" else "--- SIGINT") in text


def _what(call: Call) -> tuple[str, str]:
    return call.name, call.path


def _spread(points: list[Call], most: int | None) -> list[Call]:
    if most is None or len(points) <= most:
        return points
    return [points[round((i + 0.5) * len(points) / most - 0.5)] for i in range(most)]
