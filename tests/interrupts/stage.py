"""A process that has loaded what commands need, and becomes one as often as it is asked to, by a
fork: a run costs what the command does, not seconds of imports. See `Stage`, which starts it.

One line of JSON on standard input is one run; the answers are its process, which stops before its
first step so that strace can attach, and its exit status.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any


def main() -> None:
    requests, answers = os.fdopen(os.dup(0)), os.dup(1)
    os.set_inheritable(answers, False)
    for line in requests:
        request = json.loads(line)
        if "load" in request:
            exec(compile(request["load"], "<load>", "exec"), {})
            # A fork has the thread that forks only, and some libraries join the others at exit.
            threads = sorted(
                Path(task, "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()
            )
            os.write(answers, f"{len(threads)} {threads}\n".encode())
            continue
        child = os.fork()
        if child == 0:
            os.close(answers)
            _become(request)
            return
        os.write(answers, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: dict[str, Any]) -> None:
    """In the child: its own session and streams; then the code, as the interpreter's main."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    for number, path in enumerate(("/dev/null", request["out"], request["err"])):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["edgecv", *request["words"]]
    os.environ.update(request["environment"])
    code = compile(request["code"], "<command>", "exec")
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        exec(code, {"__name__": "__main__"})
    except Exception:
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
