"""Gives the detections of a video the ids of their tracks."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import _core
from edgecv_runtime._core import InputError
from edgecv_runtime.results.detections import Detections
from edgecv_runtime.results.result import as_score
from edgecv_runtime.tracking.clock import FrameClock

Found = TypeVar("Found", bound=Detections)

KINDS = ("bytetrack", "ocsort")
_LOW = 0.1  # ByteTrack's


class Tracker:
    """The tracks of one video or camera: ByteTrack (arXiv 2110.06864) or OC-SORT (2203.14360).

    Both expect each track where its motion leads, and match it with the detection there. ByteTrack
    also takes detections with low scores, such as those of objects that are partly hidden; OC-SORT
    looks at the direction of the motion, and is made for motion that is not steady.

    A tracker is for one thread, and for the results of one model.

    Args:
        kind: ``"bytetrack"`` or ``"ocsort"``.
        threshold: a detection is sure if its score is above it, 0..1: a number, or a mapping by
            class name, such as ``model.thresholds``. Only sure detections begin tracks.
        low_threshold: ByteTrack: the others continue tracks down to this score; None: 0.1.
        min_iou: the least overlap of a detection with the box where its track is expected, 0..1.
        confirm_hits: a track gets its id once it was seen in so many frames running.
        lost_s: seconds after which a track that is not seen any more is forgotten.
        frame_rate: of frames without times, in frames per second.
        by_class: whether a track keeps to detections of one class.

    Raises:
        InputError: another kind, or a number outside its range.

    Example:
        >>> tracker = edgecv.Tracker("bytetrack", threshold=model.thresholds)
        >>> model.thresholds = tracker.lowest_scores
        >>> for result in model.stream("street.mp4"):
        ...     result = tracker.update(result)
        ...     print(result.track_ids, result.boxes)
    """

    def __init__(
        self,
        kind: str = "bytetrack",
        *,
        threshold: float | Mapping[str, float] = 0.5,
        low_threshold: float | None = None,
        min_iou: float = 0.25,
        confirm_hits: int = 2,
        lost_s: float = 1.0,
        frame_rate: float = 30.0,
        by_class: bool = True,
    ) -> None:
        if kind not in KINDS:
            raise InputError(f'kind: expected "bytetrack" or "ocsort", got {kind!r}')
        if low_threshold is not None and kind != "bytetrack":
            raise InputError(f"low_threshold: {kind} uses no detections below its threshold")
        if isinstance(threshold, Mapping):
            threshold = {name: as_score(each, "threshold") for name, each in threshold.items()}
        else:
            threshold = as_score(threshold, "threshold")
        low = as_score(_LOW if low_threshold is None else low_threshold, "low_threshold")
        self.kind = kind
        self.threshold = threshold
        self.low_threshold = low if kind == "bytetrack" else None
        self._options = _core.TrackerOptions()
        self._options.low_threshold = low
        self._options.min_iou = as_score(min_iou, "min_iou")
        self._options.confirm_hits = confirm_hits
        self._options.lost_s = lost_s
        self._options.frame_rate = frame_rate
        self._options.by_label = by_class
        self._make_core()  # checks the options
        self._clock = FrameClock(frame_rate)
        self._core: _core.Tracker | None = None  # made when the classes are known
        self._names: list[str] = []
        self._thresholds = np.zeros(0, np.float32)  # by label

    def _make_core(self) -> _core.Tracker:
        make = _core.ByteTrack if self.kind == "bytetrack" else _core.OcSort
        return make(self._options)

    @property
    def lowest_scores(self) -> float | dict[str, float]:
        """The scores down to which this tracker uses detections, as `threshold` is given:
        ``model.thresholds = tracker.lowest_scores``."""

        def lowest(score: float) -> float:
            return score if self.low_threshold is None else min(score, self.low_threshold)

        if isinstance(self.threshold, Mapping):
            return {name: lowest(score) for name, score in self.threshold.items()}
        return lowest(self.threshold)

    def update(self, result: Found, time_ms: float | None = None) -> Found:
        """Takes the next frame.

        Args:
            result: what a detector or an instance segmenter found on it.
            time_ms: when it was taken, in milliseconds from any start. Without it `result.time_ms`
                counts, or the number `result.frame` and the frame rate; with neither the frame is
                the one after the last. Frames may be missing.

        Returns:
            A new result with `track_ids`, int64 [N]: from 1 on, or -1 where a track has no id yet.
            Detections that are not sure are in it if they continue a track.

        Raises:
            InputError: a result without boxes, or with other classes than those before; a time
                before that of the last frame.
        """
        if not isinstance(result, Detections):
            raise InputError(
                f"a tracker takes detections or instances, got {type(result).__name__}"
            )
        core = self._core_for(result.names)
        boxes = np.ascontiguousarray(result.boxes, np.float32)
        scores = np.ascontiguousarray(result.scores, np.float32)
        labels = np.ascontiguousarray(result.labels, np.int64)
        _check_lengths(boxes, scores, labels, len(self._names))
        now_s = self._clock.seconds(result, time_ms)
        ids = core.update(boxes, scores, labels, now_s)
        keep = (ids >= 0) | (scores > self._thresholds[labels])
        tracked = copy.copy(result) if keep.all() else result[keep]
        tracked.track_ids = ids[keep]
        if time_ms is not None:
            tracked.time_ms = float(time_ms)
        return tracked

    def reset(self) -> None:
        """Forgets all tracks, before another video begins; ids start at 1 again."""
        self._core = None
        self._clock.reset()

    def _core_for(self, names: Sequence[str]) -> _core.Tracker:
        if self._core is None:
            self._names = list(names)
            self._thresholds = np.array(self._by_label(names), np.float32)
            self._options.thresholds = self._thresholds.tolist() or [0.5]
            self._core = self._make_core()
        elif self._names != list(names):
            raise InputError(
                "a tracker takes the results of one model: this one has other classes than the "
                "one before; call reset() first"
            )
        return self._core

    def _by_label(self, names: Sequence[str]) -> list[float]:
        if not isinstance(self.threshold, Mapping):
            return [self.threshold] * len(names)
        missing = [name for name in names if name not in self.threshold]
        if missing:
            raise InputError(f'threshold: expected one for each class, "{missing[0]}" has none')
        return [self.threshold[name] for name in names]


def _check_lengths(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
) -> None:
    count = len(scores)
    if boxes.shape != (count, 4) or scores.shape != (count,) or labels.shape != (count,):
        raise InputError(
            f"expected boxes [N, 4], scores [N] and labels [N], got {list(boxes.shape)}, "
            f"{list(scores.shape)} and {list(labels.shape)}"
        )
    if count and not 0 <= labels.min() <= labels.max() < classes:
        raise InputError(
            f"labels: expected 0 to {classes - 1}, got {labels.min()} to {labels.max()}"
        )
