"""What every reader gives: images with their boxes, without pixels and without torch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError

from .masks import RunLengths


@dataclass(frozen=True, eq=False)
class Record:
    """One labelled image.

    boxes: float32 [N, 4], xyxy in pixels of the upright image; x2 > x1 and y2 > y1.
    labels: int64 [N], indices of the data set's labels (background is none).
    ignore: bool [N]; such boxes (VOC `difficult`, COCO `iscrowd`) are neither learnt nor counted.
    masks: one for each box, over the upright image; None where the data set has boxes only.
    """

    image: Path
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    ignore: NDArray[np.bool_]
    masks: list[RunLengths] | None = None


@dataclass(frozen=True, eq=False)
class DetectionData:
    """One split of a data set. `labels` name the classes, without a background."""

    labels: list[str]
    records: list[Record]


@dataclass
class RecordCollector:
    """Builds records; boxes without area are left out, and one warning names the files."""

    records: list[Record] = field(default_factory=list)
    _degenerate: list[str] = field(default_factory=list)

    def add(
        self,
        image: Path,
        source: Path,
        boxes: list[tuple[float, float, float, float]],
        labels: list[int],
        ignore: list[bool],
        masks: list[RunLengths] | None = None,
    ) -> None:
        """`source` is the annotation file, for messages. Raises InputError on NaN and infinity."""
        xyxy = np.array(boxes, np.float32).reshape(-1, 4)
        if not np.isfinite(xyxy).all():
            raise InputError(f"{source}: a box of {image.name} is not finite; correct the file")
        has_area = (xyxy[:, 2:] > xyxy[:, :2]).all(1)
        if not has_area.all():
            self._degenerate.append(source.name if source.stem == image.stem else image.name)
        self.records.append(
            Record(
                image,
                xyxy[has_area],
                np.array(labels, np.int64)[has_area],
                np.array(ignore, np.bool_)[has_area],
                None if masks is None else [masks[i] for i in np.flatnonzero(has_area)],
            )
        )

    def finish(self, labels: list[str], where: Path) -> DetectionData:
        """Raises InputError if there is no image."""
        if not self.records:
            raise InputError(f"{where}: no images; expected at least one")
        if self._degenerate:
            shown = ", ".join(self._degenerate[:10])
            more = len(self._degenerate) - 10
            rest = f" and {more} more" if more > 0 else ""
            warnings.warn(f"boxes without area left out in: {shown}{rest}", stacklevel=3)
        return DetectionData(labels, self.records)
