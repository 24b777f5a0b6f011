"""edgecv's trackers and those of Roboflow's package `trackers`, called in one way."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

import edgecv
from edgecv_runtime.results.detections import Detections
from helpers.moving_objects import SIZE, Frame, Scene
from helpers.tracking_measures import Tracked

Run = Callable[[Iterable[Frame]], list[Tracked]]


def edgecv_tracker(kind: str) -> Run:
    """With its defaults."""

    def run(video: Iterable[Frame]) -> list[Tracked]:
        tracker = edgecv.Tracker(kind)
        results = (tracker.update(each, time_ms=1000 * time) for each, time in detections_of(video))
        return [(result.boxes, result.track_ids) for result in results]

    return run


def detections_of(video: Iterable[Frame]) -> Iterator[tuple[Detections, float]]:
    for frame in video:
        labels = np.zeros(len(frame.scores), np.int64)
        found = Detections(frame.found, frame.scores, labels, ["object"], image_size=SIZE)
        yield found, frame.time_s


def roboflow_tracker(kind: str, scene: Scene, **options: Any) -> Run:
    """With its defaults, but for what is given; it gets the times, too."""
    import trackers

    make = {"bytetrack": trackers.ByteTrackTracker, "ocsort": trackers.OCSORTTracker}[kind]

    def run(video: Iterable[Frame]) -> list[Tracked]:
        tracker = make(frame_rate=scene.rate, **options)
        tracked = []
        for found, time_s in supervision_of(video):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = tracker.update(found, timestamp=time_s)
            tracked.append((result.xyxy.astype(np.float32), result.tracker_id.astype(np.int64)))
        return tracked

    return run


def supervision_of(video: Iterable[Frame]) -> Iterator[tuple[Any, float]]:
    import supervision

    for frame in video:
        labels = np.zeros(len(frame.scores), np.int64)
        yield (
            supervision.Detections(xyxy=frame.found, confidence=frame.scores, class_id=labels),
            frame.time_s,
        )
