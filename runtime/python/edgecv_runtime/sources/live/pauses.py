"""How long to wait before a lost source is opened again."""

from __future__ import annotations

import random

FIRST_S, LONGEST_S = 0.5, 30.0
_GROWTH = 1.5  # so a source is tried again within about half the time that it was away
_JITTER = 0.2  # so that many cameras behind one switch are not opened at one moment


class Pauses:
    """Pauses of 0.5 s to 30 s that grow while a source stays away.

    A source that then lived for at least as long as the last pause starts again at the shortest.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._next = FIRST_S

    def after(self, lived_s: float) -> float:
        """The next pause in seconds, after a source that gave frames for so long."""
        if lived_s >= self._next:
            self._next = FIRST_S
        pause = self._next
        self._next = min(self._next * _GROWTH, LONGEST_S)
        return min(pause * self._chance.uniform(1 - _JITTER, 1 + _JITTER), LONGEST_S)
