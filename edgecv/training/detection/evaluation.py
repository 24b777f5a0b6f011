"""A detector against labelled images: the same steps for checkpoint and bundle (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgecv.data.detection_folder import read_folder
from edgecv.data.mask_folder import UNNAMED
from edgecv.data.reading.records import DetectionData, Record
from edgecv_runtime import Instances, read_image

from ..measures import class_numbers, unheard
from .metrics import Detected, Precision, average_precision

if TYPE_CHECKING:
    from edgecv.data.reading.masks import RunLengths
    from edgecv.models.weights.checkpoint import Checkpoint

# uint8 [H, W, 3] BGR -> boxes in pixels of that image; labels are indices of the detector's names.
Detect = Callable[[NDArray[np.uint8]], Detected]


def match_labels(data: DetectionData, names: list[str]) -> DetectionData:
    """The data with labels as indices of the detector's `names`.

    The one class of data that do not name it is that of a detector with one class.

    Raises:
        InputError: the detector does not know a class that the data has.
    """
    if data.labels == [UNNAMED] and len(names) == 1:
        return replace(data, labels=list(names))
    index = np.array(class_numbers(data.labels, names), np.int64)
    records = [replace(record, labels=index[record.labels]) for record in data.records]
    return replace(data, labels=list(names), records=records)


def evaluate(
    detect: Detect,
    data: DetectionData,
    names: list[str],
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    classes: Sequence[str] | None = None,
) -> Precision:
    """Detects on every image and computes COCO's average precision.

    Args:
        detect: the detector, `names` are its classes.
        data: one split, as a reader gives it.
        progress: wraps the iteration over the images, such as tqdm.
        classes: those of `names` that are measured; all if left out.
    """
    data = match_labels(data, names)
    detections = [detect(read_image(record.image)) for record in progress(data.records)]
    records = data.records
    if classes is not None:
        index = [names.index(name) for name in classes]
        records = [_only(record, index) for record in records]
        detections = [_only(found, index) for found in detections]
        names = list(classes)
    return average_precision(records, detections, names)


Objects = TypeVar("Objects", Record, Detected)


def _only(objects: Objects, labels: Sequence[int]) -> Objects:
    """The objects of some labels. The labels are renumbered in the given order."""
    number = {label: i for i, label in enumerate(labels)}
    kept = [i for i, label in enumerate(objects.labels.tolist()) if label in number]
    changed: dict[str, Any] = {
        "boxes": objects.boxes[kept],
        "labels": np.array([number[int(objects.labels[i])] for i in kept], np.int64),
        "masks": None if objects.masks is None else [objects.masks[i] for i in kept],
    }
    other = "ignore" if isinstance(objects, Record) else "scores"
    return replace(objects, **changed, **{other: getattr(objects, other)[kept]})


def of_checkpoint(checkpoint: Checkpoint) -> Detect:
    from .torch_detector import TorchDetector

    return TorchDetector(checkpoint.module(), checkpoint.input)


def of_bundle(model: Any, call: Callable[..., Any] | None = None) -> Detect:
    """`model`: as `edgecv_runtime.load` gives it; `call`: what runs it, such as a timer.

    The model's thresholds become the low one that average precision needs.
    """
    model.thresholds = model.measuring_threshold
    run = call or model

    def detect(image: NDArray[np.uint8]) -> Detected:
        result = run(image)
        masks: list[RunLengths] | None = None
        if isinstance(result, Instances):
            codes = result.mask_crops.rle()
            masks = [{"size": c["size"], "counts": c["counts"].encode()} for c in codes]
        return Detected(result.boxes, result.scores, result.labels, masks)

    return detect


def measure(
    detect: Detect,
    names: list[str],
    folder: Path,
    split: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    say: Callable[[str], None] = unheard,
    classes: Sequence[str] | None = None,
) -> Precision:
    """`evaluate` on one split of a data set; `say` takes lines about what was read."""
    data = read_folder(folder, split)
    data.report.require_objects(folder)
    for line in data.report.lines():
        say(line)
    return evaluate(detect, data, names, progress, classes)
