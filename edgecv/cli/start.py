"""Where the command `edgecv` begins: before anything is imported that takes time.

Importing this module, and `edgecv` around it, imports nothing but a few numbers.
"""

from __future__ import annotations

from edgecv.cli.output.exit_status import INTERRUPTED


def main() -> int:
    """Runs the command of ``sys.argv`` as a process of its own and returns its exit status."""
    try:
        import os
        import signal

        # Whoever starts a command in the background may have it ignore Ctrl-C.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            # While modules are imported there is nothing to put in order, and an exception would
            # come up in the middle of one of them. cli.main takes over when the command is to run.
            signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    except KeyboardInterrupt:
        return INTERRUPTED

    from edgecv.cli.output.terminal import keep_stdout_for_results

    keep_stdout_for_results()

    from edgecv.cli.main import main as run

    return run()
