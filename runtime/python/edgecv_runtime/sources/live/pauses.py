"""How long to wait before a lost source is opened again."""

from __future__ import annotations

import random

FIRST_S, LONGEST_S = 0.5, 30.0
_PART = 1 / 3  # of the time that a source has been away
_JITTER = 0.2  # so that many cameras behind one switch are not opened at one moment
_LIVED_S = 1.0  # a source that lived for so long was there


class Pauses:
    """Pauses of 0.5 s to 30 s, each a third of the time that the source has been away.

    So it is live again soon after a short absence, and is not asked often in a long one. A source
    that dies again at once counts as away all the time.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._away_s = 0.0

    def after(self, lived_s: float) -> float:
        """The next pause in seconds, after a source that gave frames for so long."""
        if lived_s >= _LIVED_S:
            self._away_s = 0.0
        pause = min(max(self._away_s * _PART, FIRST_S), LONGEST_S)
        pause = min(pause * self._chance.uniform(1 - _JITTER, 1 + _JITTER), LONGEST_S)
        self._away_s += pause
        return pause
