"""A process that has loaded what commands need, and becomes one as often as it is asked to, by a
fork: a run costs what the command does, not seconds of imports. See `Stage`, which starts it.

One line of JSON on standard input is one run; the answers are its process, which stops before its
first step so that strace can attach, and its exit status.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
import threading
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
        gc.freeze()  # a collection in the fork would touch, so copy, all that is loaded
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
    status = 0
    try:
        try:
            exec(code, {"__name__": "__main__"})
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
            if isinstance(ending.code, str):
                print(ending.code, file=sys.stderr)
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    # The rest of the interpreter's end writes nothing, and would touch, so copy, all of it.
    os._exit(status)


if __name__ == "__main__":
    main()
