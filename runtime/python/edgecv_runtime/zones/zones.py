"""Counts the tracked objects of a video in zones and at lines."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from edgecv_runtime._core import InputError
from edgecv_runtime.results.detections import Detections
from edgecv_runtime.tracking.clock import FrameClock
from edgecv_runtime.zones.file import ZoneSettings, read_zone_file, zone_settings
from edgecv_runtime.zones.report import (
    LineCount,
    LineState,
    Visit,
    ZoneCount,
    ZoneEvent,
    ZoneReport,
    ZoneState,
)

Found = TypeVar("Found", bound=Detections)


class Zones:
    """Zones and lines of one video or camera, and what has been counted there.

    Args:
        record: what a file of zones holds, as a dictionary; docs/tracking.md has its keys.
        names: the model's classes, ``model.names``.
        frame_rate: of frames without times, in frames per second.

    Raises:
        InputError: names what is wrong: an unknown key or class, a polygon that crosses itself.

    Example:
        >>> zones = edgecv.Zones.read("zones.json", model.names)
        >>> for result in model.stream("door.mp4"):
        ...     result = zones.update(tracker.update(result))
        ...     for event in result.zones.events:
        ...         print(event.kind, event.place, event.track_id)
    """

    def __init__(
        self, record: Mapping[str, Any], names: Sequence[str], frame_rate: float = 30.0
    ) -> None:
        self._use(zone_settings(record, names), names, frame_rate)

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], names: Sequence[str], frame_rate: float = 30.0
    ) -> Zones:
        """From a JSON file. Raises InputError that names the file and what is wrong in it."""
        zones = cls.__new__(cls)
        zones._use(read_zone_file(path, names), names, frame_rate)
        return zones

    def _use(self, settings: ZoneSettings, names: Sequence[str], frame_rate: float) -> None:
        self._settings = settings
        self._counter = settings.counter
        self._names = list(names)
        self._clock = FrameClock(frame_rate)

    def update(self, result: Found, time_ms: float | None = None) -> Found:
        """Takes the next frame.

        Args:
            result: what `Tracker.update` gave. Tracks without an id are not counted.
            time_ms: when it was taken, as for `Tracker.update`, which keeps it in the result.

        Returns:
            A new result with `zones`, a :class:`ZoneReport`.

        Raises:
            InputError: a result without `track_ids` or with other classes; a time before that of
                the last frame; a zone or line that lies outside the image.
        """
        if not isinstance(result, Detections) or result.track_ids is None:
            raise InputError("zones count tracked objects: give the result of Tracker.update")
        if list(result.names) != self._names:
            raise InputError("these zones were made for a model with other classes")
        now_s = self._clock.seconds(result, time_ms)
        events = self._counter.update(
            np.ascontiguousarray(result.boxes, np.float32),
            np.ascontiguousarray(result.track_ids, np.int64),
            np.ascontiguousarray(result.labels, np.int64),
            result.image_size,
            now_s,
        )
        counted = copy.copy(result)
        counted.zones = self._report(events)
        return counted

    def reset(self) -> None:
        """Forgets all tracks and counts, before another video begins."""
        self._counter.reset()
        self._clock.reset()

    def _report(self, events: Sequence[Any]) -> ZoneReport:
        zones = [self._zone(index, name) for index, name in enumerate(self._settings.zones)]
        lines = [self._line(index, name) for index, name in enumerate(self._settings.lines)]
        return ZoneReport(
            {zone.name: zone for zone in zones},
            {line.name: line for line in lines},
            tuple(self._event(*each) for each in events),
        )

    def _zone(self, index: int, name: str) -> ZoneState:
        counts = self._counter.zone_counts(index)
        visits = self._counter.visits(index)
        return ZoneState(
            name,
            tuple(self._counter.zone_points(index)),
            {self._names[label]: ZoneCount(*each) for label, each in counts.items()},
            tuple(Visit(track, self._names[label], seconds) for track, label, seconds in visits),
        )

    def _line(self, index: int, name: str) -> LineState:
        counts = self._counter.line_counts(index)
        return LineState(
            name,
            tuple(self._counter.line_points(index)),
            {self._names[label]: LineCount(*each) for label, each in counts.items()},
        )

    def _event(
        self, kind: str, place: int, track: int, label: int, time_s: float, seconds: float
    ) -> ZoneEvent:
        settings = self._settings
        name = (settings.lines if kind in ("in", "out") else settings.zones)[place]
        return ZoneEvent(kind, name, track, self._names[label], 1000 * time_s, seconds)
