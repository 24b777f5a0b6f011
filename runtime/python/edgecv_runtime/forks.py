"""Whether this process was forked since something was made."""

from __future__ import annotations

import os
import threading


class Forks:
    """Counts the forks on the way to this process."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()  # this process's own: one that was held at the fork stays so
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self.count += 1
        self.lock = threading.Lock()


forks = Forks()
