"""Class maps against label images: the same steps for checkpoint and bundle (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv.data.segmentation_folder import (
    LabelledImage,
    SegmentationData,
    read_segmentation,
    require_classes,
)
from edgecv_runtime import read_image

from ..measures import class_numbers, unheard
from .confusion import Confusion, Overlap

if TYPE_CHECKING:
    from edgecv.models.architecture.windows import WindowOptions
    from edgecv.models.weights.checkpoint import Checkpoint

# uint8 [H, W, 3] BGR -> the class of each pixel, [H, W] of an integer type.
Segment = Callable[[NDArray[np.uint8]], NDArray[Any]]
NO_CLASS = -1


def of_checkpoint(checkpoint: Checkpoint, request: WindowOptions | None = None) -> Segment:
    """Whole or in windows, as a bundle that is exported with the same options."""
    from edgecv.models.architecture.windows import WindowOptions, plan_windows, windows_of

    from .torch_segmenter import TorchSegmenter

    module = checkpoint.module()
    windows = plan_windows(windows_of(module), request or WindowOptions())
    return TorchSegmenter(module, checkpoint.input, windows)


def of_bundle(model: Any, call: Callable[..., Any] | None = None) -> Segment:
    """`model`: as `edgecv_runtime.load` gives it; `call`: what runs it, such as a timer."""
    run = call or model

    def segment(image: NDArray[np.uint8]) -> NDArray[Any]:
        mask: NDArray[Any] = run(image).mask
        return mask

    return segment


def measure(
    segment: Segment,
    names: list[str],
    folder: Path,
    split: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    say: Callable[[str], None] = unheard,
    ignore: Sequence[int] = (),
    numbered: bool = False,
) -> Overlap:
    """Segments every image of a split.

    Args:
        names: the classes of the class maps, and of a folder without names.
        say: takes lines about what was read.
        ignore: numbers in the label images that stand for no class, beside 255.
        numbered: the folder's own names, if they are not the model's, do not count: a class is
            known by its number. So it was in training that was given the names (`remembered`).
    """
    data = read_segmentation(folder, split, ignore, unnamed=names)
    if numbered and data.named and not set(data.labels) <= set(names):
        data = read_segmentation(folder, split, ignore, labels=names)
    for line in data.report.lines():
        say(line)
    numbers = class_lookup(data, names)
    confusion = Confusion(len(names), [NO_CLASS])
    for entry in progress(data.images):
        confusion.add(true_classes(entry, numbers), segment(read_image(entry.image)))
    return confusion.overlap(names)


def remembered(training: dict[str, Any]) -> dict[str, Any]:
    """How training read the label images: `ignore` and `numbered` as `measure` takes them.

    `training` is that of a checkpoint, or the `provenance` of a bundle that was exported from one.
    """
    settings = training.get("settings") or {}
    return {
        "ignore": tuple(settings.get("ignore_index") or ()),
        "numbered": settings.get("labels") is not None,
    }


def class_lookup(data: SegmentationData, names: list[str]) -> NDArray[np.int32]:
    """int32 [65536]: for each number in a label image the index in `names`, or NO_CLASS.

    Classes are matched by name; where the data does not name them, their numbers are the indices.

    Raises:
        InputError: the data has a class that `names` lacks; the message says which, or which file.
    """
    lookup = np.full(1 << 16, NO_CLASS, np.int32)
    if data.named:
        known = [n for n in range(len(data.labels)) if n not in data.ignore]
        index = class_numbers([data.labels[n] for n in known], names)
        lookup[known] = index
    else:
        require_classes(data, len(names))
        lookup[: len(names)] = np.arange(len(names))
    lookup[list(data.ignore)] = NO_CLASS
    return lookup


def true_classes(entry: LabelledImage, lookup: NDArray[np.int32]) -> NDArray[np.int32]:
    """int32 [H, W]: the classes of `class_lookup`."""
    return lookup[entry.labels()]
