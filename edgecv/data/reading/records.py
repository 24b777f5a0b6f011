"""What every reader gives: images with their boxes, without pixels and without torch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime import InputError

from .image_files import stored_header, upright_size
from .masks import RunLengths
from .split_report import NAMED, Report, counted, event, shortened

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Record:
    """One labelled image.

    boxes: float32 [N, 4], xyxy in pixels of the upright image; x2 > x1 and y2 > y1.
    labels: int64 [N], indices of the data set's labels (the background is not a label).
    ignore: bool [N]; such boxes (VOC `difficult`, COCO `iscrowd`) are neither learnt nor counted.
    masks: one for each box, over the upright image; None for an object without a mask. None
        in place of the list: the data set has boxes only.
    size: height and width of the upright image in pixels.
    """

    image: Path
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    ignore: NDArray[np.bool_]
    masks: list[RunLengths | None] | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class DetectionData:
    """One split of a data set. `labels` name the classes, without a background."""

    labels: list[str]
    records: list[Record]
    report: Report = field(default_factory=Report)


class Labelled(NamedTuple):
    """An object of a file: two corners in pixels, in either order."""

    corners: Corners
    label: int
    ignore: bool = False
    mask: RunLengths | None = None


class RecordCollector:
    """Builds records and their report, and does to boxes what every format needs.

    Exchanged corners are put in order; boxes are cut to their image; boxes without area, outside
    of their image, or twice the same are left out. All of that is in the report, with file names.

    Args:
        split: for the report.
        ignored: what `Labelled.ignore` stands for, such as `difficult`.
    """

    def __init__(self, split: str, ignored: str = "difficult") -> None:
        self.split = split
        self.ignored = ignored
        self.records: list[Record] = []
        self.broken: list[str] = []
        self.notes: list[str] = []
        self._changed: dict[str, list[str]] = defaultdict(list)  # event -> file, once for each
        self._ignored: dict[str, list[str]] = defaultdict(list)
        self._other_sizes: list[str] = []

    def size_of(self, image: Path) -> tuple[int, int] | None:
        """(H, W) of the upright image; None for a broken one, which is noted and left out."""
        try:
            return upright_size(image)
        except InputError as error:
            if not image.is_file():
                raise
            self.broken.append(str(error))
            return None

    def require_size(
        self, image: Path, size: tuple[int, int], said: tuple[int, int], source: Path
    ) -> None:
        """Notes where `source` says another (H, W) than the image has; `finish` refuses it."""
        if size != said:
            turned = ""
            if size == said[::-1]:
                by_exif = stored_header(image).orientation >= 5
                turned = " as EXIF turns it upright" if by_exif else ": sides exchanged"
            self._other_sizes.append(
                f"{source}: says {said[1]} x {said[0]} pixels for {image.name}, the image has "
                f"{size[1]} x {size[0]}{turned}"
            )

    def note(self, what: str, place: str, times: int | np.integer[Any] = 1) -> None:
        """Counts what was read in another way than written; `place` is the file's name."""
        if times:
            self._changed[what] += [place] * int(times)

    def _leave_out(self, what: str, place: str, left_out: Any) -> None:
        if times := int(left_out.sum()):
            self._ignored[what] += [place] * times

    def add(
        self,
        image: Path,
        source: Path,
        size: tuple[int, int],
        objects: list[Labelled],
        masks: bool = False,
    ) -> None:
        """`source` is the annotation file, for messages; `size` what `size_of` gave; `masks`:
        whether the data set has masks. Raises InputError on NaN and infinity."""
        place = source.name if source.stem == image.stem else image.name
        raw = np.array([entry.corners for entry in objects], np.float64).reshape(-1, 4)
        if not np.isfinite(raw).all():
            raise InputError(f"{source}: a box of {image.name} is not finite; correct the file")
        ordered = np.concatenate([np.minimum(raw[:, :2], raw[:, 2:]),
                                  np.maximum(raw[:, :2], raw[:, 2:])], 1)  # fmt: skip
        height, width = size
        cut = np.clip(ordered, 0, [width, height, width, height])
        has_area = (ordered[:, 2:] > ordered[:, :2]).all(1)
        # Rounded to float32, as they are kept.
        boxes = cut.astype(np.float32)
        inside = (boxes[:, 2:] > boxes[:, :2]).all(1)
        distinct = self._distinct(objects, boxes)
        kept = has_area & inside & distinct
        exchanged, leaving = (ordered != raw).any(1), (abs(cut - ordered) > 1).any(1)
        self.note("boxes with exchanged corners, put in order", place, (kept & exchanged).sum())
        self.note("boxes that leave their image, cut to it", place, (kept & leaving).sum())
        self._leave_out("boxes without area left out", place, ~has_area)
        self._leave_out("boxes outside of their image left out", place, has_area & ~inside)
        self._leave_out("boxes that repeat another left out", place, has_area & inside & ~distinct)
        ignore = np.array([entry.ignore for entry in objects], np.bool_)[kept]
        self._leave_out(f"objects marked {self.ignored}, neither learnt nor counted", place, ignore)
        self.records.append(
            Record(
                image,
                boxes[kept],
                np.array([entry.label for entry in objects], np.int64)[kept],
                ignore,
                [objects[i].mask for i in np.flatnonzero(kept)] if masks else None,
                size,
            )
        )

    @staticmethod
    def _distinct(objects: list[Labelled], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        seen: set[object] = set()
        distinct = np.ones(len(objects), np.bool_)
        for i, (entry, box) in enumerate(zip(objects, boxes.tolist(), strict=True)):
            code = entry.mask["counts"] if entry.mask else None
            key = (entry.label, *box, entry.ignore, code)
            distinct[i] = key not in seen
            seen.add(key)
        return distinct

    def finish(self, labels: list[str], where: Path, searched: str) -> DetectionData:
        """Raises InputError without an image, or if a file and its images do not fit."""
        if self._other_sizes:
            count = len(self._other_sizes)
            raise InputError(
                f"{self._other_sizes[0]}"
                + (f" ({counted(count, 'image')} differ)" if count > 1 else "")
                + "; boxes would be displaced: correct the sizes, or take the images that were "
                "labelled"
            )
        if not self.records:
            if self.broken:
                raise InputError(
                    f"{where}: all {len(self.broken)} images of the split {self.split!r} are "
                    f"broken: {shortened(self.broken, NAMED, '; ')}"
                )
            raise InputError(f"{where}: no images; expected at least one")
        boxes = np.concatenate([record.boxes for record in self.records])
        if len(boxes) and boxes.max() <= 1:
            raise InputError(
                f"{where}: no box reaches beyond the first pixel, as if they were fractions of the "
                "image's sides; expected pixels"
            )
        counts = np.zeros(len(labels), np.int64)
        for record in self.records:
            np.add.at(counts, record.labels[~record.ignore], 1)
        report = Report(
            split=self.split,
            images=len(self.records),
            counts=dict(zip(labels, counts.tolist(), strict=True)),
            empty=sum(not len(record.boxes) for record in self.records),
            ignored=dict(self._ignored),
            broken=self.broken,
            notes=[*(event(*entry) for entry in self._changed.items()), *self.notes],
            searched=searched,
        )
        return DetectionData(labels, self.records, report)
