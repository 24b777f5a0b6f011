"""What zones and lines have counted up to a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ZoneCount:
    """The tracks of one class in one zone. Only `occupancy` can fall: it is entries + appeared -
    exits - vanished.

    Attributes:
        occupancy: are inside.
        entries: came in across the border.
        exits: left across it.
        appeared: were inside when they were first seen.
        vanished: were inside when they were last seen, longer ago than `forget_s`.
        seconds: inside, of all together.
    """

    occupancy: int = 0
    entries: int = 0
    exits: int = 0
    appeared: int = 0
    vanished: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Visit:
    """A track that is inside a zone.

    Attributes:
        track_id: its id.
        name: its class when it came in.
        seconds: since then, up to when it was seen last.
    """

    track_id: int
    name: str
    seconds: float


@dataclass(frozen=True)
class ZoneState:
    """A zone at one frame.

    Attributes:
        name: as in the file.
        polygon: its corners, x and y in pixels of the image.
        classes: what was counted, by class name; those that never came in are left out.
        visits: who is inside, by track id.
    """

    name: str
    polygon: Corners
    classes: dict[str, ZoneCount] = field(default_factory=dict)
    visits: tuple[Visit, ...] = ()

    @property
    def total(self) -> ZoneCount:
        """Of all classes."""
        counts = self.classes.values()
        return ZoneCount(
            sum(each.occupancy for each in counts),
            sum(each.entries for each in counts),
            sum(each.exits for each in counts),
            sum(each.appeared for each in counts),
            sum(each.vanished for each in counts),
            sum(each.seconds for each in counts),
        )


@dataclass(frozen=True)
class LineCount:
    """The tracks of one class that have crossed a line.

    Attributes:
        inwards: from the left to the right of somebody who goes along it; what moves down, where
            the line goes from the left of the image to the right.
        outwards: the other way.
    """

    inwards: int = 0
    outwards: int = 0


@dataclass(frozen=True)
class LineState:
    """A line at one frame.

    Attributes:
        name: as in the file.
        ends: where it begins and ends, x and y in pixels of the image.
        classes: what was counted, by class name.
    """

    name: str
    ends: Corners
    classes: dict[str, LineCount] = field(default_factory=dict)

    @property
    def total(self) -> LineCount:
        """Of all classes."""
        counts = self.classes.values()
        return LineCount(
            sum(each.inwards for each in counts), sum(each.outwards for each in counts)
        )


@dataclass(frozen=True)
class ZoneEvent:
    """Something that was counted.

    Attributes:
        kind: of a zone ``"enter"``, ``"exit"``, ``"appear"`` (first seen inside) or ``"vanish"``
            (not seen any more while inside); of a line ``"in"`` or ``"out"``.
        place: name of the zone or line.
        track_id: of the track.
        name: its class.
        time_ms: of the frame; where a track vanished, of the frame that it was last seen in.
        seconds: of exit and vanish, how long it was inside; else 0.
    """

    kind: str
    place: str
    track_id: int
    name: str
    time_ms: float
    seconds: float = 0.0


@dataclass(frozen=True)
class ZoneReport:
    """Zones and lines at one frame, by name, and what happened on it.

    Example:
        >>> result = zones.update(result)
        >>> result.zones.zones["door"].total.occupancy
        2
        >>> result.zones.lines["gate"].classes["person"].inwards
        17
    """

    zones: dict[str, ZoneState]
    lines: dict[str, LineState]
    events: tuple[ZoneEvent, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the schema is described in docs/tracking.md."""
        return {
            "zones": {
                zone.name: {
                    "classes": {name: _zone_count(each) for name, each in zone.classes.items()},
                    "visits": [
                        {
                            "track_id": visit.track_id,
                            "name": visit.name,
                            "seconds": round(visit.seconds, 3),
                        }
                        for visit in zone.visits
                    ],
                }
                for zone in self.zones.values()
            },
            "lines": {
                line.name: {
                    name: {"in": each.inwards, "out": each.outwards}
                    for name, each in line.classes.items()
                }
                for line in self.lines.values()
            },
            "events": [
                {
                    "kind": event.kind,
                    "place": event.place,
                    "track_id": event.track_id,
                    "name": event.name,
                    "time_ms": round(event.time_ms, 3),
                    **(
                        {"seconds": round(event.seconds, 3)}
                        if event.kind in ("exit", "vanish")
                        else {}
                    ),
                }
                for event in self.events
            ],
        }


def _zone_count(count: ZoneCount) -> dict[str, Any]:
    return {**vars(count), "seconds": round(count.seconds, 3)}
