"""A detector against labelled images: the same steps for checkpoint and bundle (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv.data.records import DetectionData
from edgecv_runtime import InputError, read_image

from .metrics import Detected, Precision, average_precision

# uint8 [H, W, 3] BGR -> boxes in pixels of that image; labels are indices of the detector's names.
Detect = Callable[[NDArray[np.uint8]], Detected]


def match_labels(data: DetectionData, names: list[str]) -> DetectionData:
    """The data with labels as indices of the detector's `names`.

    Raises:
        InputError: the detector does not know a class that the data has.
    """
    unknown = [label for label in data.labels if label not in names]
    if unknown:
        raise InputError(
            f"the data has classes that the model does not know: {', '.join(unknown)}; "
            f"the model has {', '.join(names)}"
        )
    index = np.array([names.index(label) for label in data.labels], np.int64)
    records = [replace(record, labels=index[record.labels]) for record in data.records]
    return DetectionData(list(names), records)


def evaluate(
    detect: Detect,
    data: DetectionData,
    names: list[str],
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Precision:
    """Detects on every image and computes COCO's average precision.

    Args:
        detect: the detector, `names` are its classes.
        data: one split, as a reader gives it.
        progress: wraps the iteration over the images, such as tqdm.
    """
    data = match_labels(data, names)
    detections = [detect(read_image(record.image)) for record in progress(data.records)]
    return average_precision(data.records, detections, names)
