"""Tracks and zones of each source of a live run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Union

from edgecv_runtime import InputError
from edgecv_runtime.models.detection_model import DetectionModel
from edgecv_runtime.models.model import Model
from edgecv_runtime.tracking.tracker import Tracker
from edgecv_runtime.zones.zones import Zones

ZoneFile = Union[str, "os.PathLike[str]"]
ZoneFiles = Union[ZoneFile, "Sequence[ZoneFile | None]", None]


class Following:
    """A tracker for each source, and zones where there is a file of them.

    The model's thresholds become those of the tracker, which leaves out what it has no use for;
    :meth:`restore` gives them back.

    Args:
        model: that finds the objects.
        track: "bytetrack", "ocsort", True for the first, False for none.
        zones: a file of zones for all sources, or one (or None) for each.
        sources: how many there are.

    Raises:
        InputError: a model that finds no objects, another method, zones without tracks, or for
            another number of sources; a file of zones that is wrong.
    """

    def __init__(
        self, model: Model[Any], track: bool | str, zones: ZoneFiles, sources: int
    ) -> None:
        self._model: DetectionModel[Any] | None = None
        self.steps: list[list[Any]] = [[] for _ in range(sources)]  # of each source
        if not track:
            if zones is not None:
                raise InputError("zones: tracked objects are counted: give `track=True` with it")
            return
        if not isinstance(model, DetectionModel):
            raise InputError(
                f"track: this model is for the task {model.manifest.task}, which finds no objects: "
                "leave it out"
            )
        files = _for_each(zones, sources)
        self._thresholds = dict(model.thresholds)
        for steps, file in zip(self.steps, files, strict=True):
            kind = "bytetrack" if track is True else track
            tracker = Tracker(kind, threshold=self._thresholds)
            steps.append(tracker)
            if file is not None:
                steps.append(Zones.read(file, model.names))
        self._model = model
        model.thresholds = tracker.lowest_scores

    def restore(self) -> None:
        if self._model is not None:
            self._model.thresholds = self._thresholds
            self._model = None


def _for_each(zones: ZoneFiles, sources: int) -> list[ZoneFile | None]:
    if zones is None or isinstance(zones, (str, os.PathLike)):
        return [zones] * sources
    files = list(zones)
    if len(files) != sources:
        raise InputError(
            f"zones: expected one file for all sources, or {sources} (None for none), got "
            f"{len(files)}"
        )
    return files
