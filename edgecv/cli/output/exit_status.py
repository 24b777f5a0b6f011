"""What the exit status of a command says; docs/cli.md has the table."""

from __future__ import annotations

SUCCESS = 0
OUR_FAULT = 1  # to be reported
USERS_MISTAKE = 2  # in the command, a file or the set-up; or some inputs failed
REFUSED = 3  # a result was checked against what it should be, and refused
INTERRUPTED = 130  # by Ctrl-C or SIGTERM
