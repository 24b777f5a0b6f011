"""What a live source is doing, and what is counted about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class State(str, Enum):
    """Of a live source."""

    CONNECTING = "connecting"  # it is being opened
    LIVE = "live"  # frames come
    STALLED = "stalled"  # it is open, and no frame has come for a while
    LOST = "lost"  # it could not be opened or read, and is opened again after a pause

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class StateChange:
    """A live source came into another state.

    Attributes:
        source: its name, an address without its password.
        index: of the source among the sources.
        state: the new one.
        at: when, in seconds since 1970.
        reason: of `State.LOST` why, of `State.LIVE` what reads and decodes.
    """

    source: str
    index: int
    state: State
    at: float
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        record = {"event": str(self.state), "source": self.source, "at": round(self.at, 3)}
        return record if self.reason is None else {**record, "reason": self.reason}


@dataclass
class SourceStatus:
    """How a source is and what was counted since it was first opened.

    Attributes:
        source: its name, an address without its password.
        state: None for files.
        since: of the state, in seconds since 1970.
        frames: that were read.
        dropped: of these, those that a newer one replaced before the network could take them.
        left_out: of these, those that `max_fps`, `skip` and `motion` kept from the network.
        broken: places where frames could not be decoded.
        opened: how often it was opened with success.
        reason: why it was lost last; None where it never was.
        reader: "opencv", "pyav" or "gstreamer"; None before it was first opened.
        decoder: what decodes, where the reader says so.
    """

    source: str
    state: State | None = None
    since: float = 0.0
    frames: int = 0
    dropped: int = 0
    left_out: int = 0
    broken: int = 0
    opened: int = 0
    reason: str | None = None
    reader: str | None = None
    decoder: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        state = None if self.state is None else str(self.state)
        return {**self.__dict__, "state": state, "since": round(self.since, 3)}
