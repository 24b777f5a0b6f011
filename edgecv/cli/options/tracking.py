"""The options that follow objects from frame to frame and count them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecv_runtime.models.model import Model
    from edgecv_runtime.tracking.tracker import Tracker
    from edgecv_runtime.zones.zones import Zones

_KINDS = ("bytetrack", "ocsort")


def add_tracking_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tracking")
    group.add_argument(
        "--track",
        choices=_KINDS,
        nargs="?",
        const=_KINDS[0],
        help="give each object an id that it keeps from frame to frame (default method: bytetrack)",
    )
    group.add_argument(
        "--zones",
        type=Path,
        metavar="FILE.json",
        help="with --track: count the objects in zones and at lines",
    )


class Tracking:
    """What ``--track`` and ``--zones`` say; without them results stay as they are.

    The model's thresholds become those of the tracker, which leaves out what it has no use for.

    Raises InputError for options that do not go together, a model that finds no objects, and a file
    of zones that is wrong.
    """

    def __init__(self, model: Model[Any], args: argparse.Namespace) -> None:
        from edgecv_runtime import InputError
        from edgecv_runtime.models.detection_model import DetectionModel

        self._kind: str | None = args.track
        self._zones: Path | None = args.zones
        if args.zones is not None and args.track is None:
            raise InputError(f"--zones {args.zones}: tracks are counted: give --track with it")
        if args.track is None:
            return
        if not isinstance(model, DetectionModel):
            raise InputError(
                f"--track: {args.bundle} is for the task {model.manifest.task}, which finds no "
                "objects: leave it out"
            )
        self._thresholds = dict(model.thresholds)
        self._names = list(model.names)
        model.thresholds = self._follow().lowest_scores

    def steps(self) -> list[Callable[[], Follow]]:
        """What makes the step of a source, as `edgecv.Live` takes it."""
        return [] if self._kind is None else [self._follow]

    def _follow(self) -> Follow:
        from edgecv_runtime.tracking.tracker import Tracker
        from edgecv_runtime.zones.zones import Zones

        assert self._kind is not None
        tracker = Tracker(self._kind, threshold=self._thresholds)
        zones = None if self._zones is None else Zones.read(self._zones, self._names)
        return Follow(tracker, zones)


class Follow:
    """The tracks of one source after another."""

    def __init__(self, tracker: Tracker, zones: Zones | None) -> None:
        self._tracker, self._zones = tracker, zones
        self._frame = 0

    @property
    def lowest_scores(self) -> float | dict[str, float]:
        return self._tracker.lowest_scores

    def update(self, result: Any) -> Any:
        """The result with ids, and with counts. A frame number that falls begins another video.

        Raises InputError for a zone outside the image.
        """
        if result.frame < self._frame:
            self._tracker.reset()
            if self._zones is not None:
                self._zones.reset()
        self._frame = result.frame
        tracked = self._tracker.update(result)
        return tracked if self._zones is None else self._zones.update(tracked)
