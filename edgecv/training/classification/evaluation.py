"""A classifier against folders of classes: the same steps for checkpoint and bundle (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecv.data.class_folder import ClassificationData, read_classes
from edgecv_runtime import read_image

from ..measures import class_numbers, unheard
from .accuracy import Accuracy, accuracy

if TYPE_CHECKING:
    from edgecv.models.weights.checkpoint import Checkpoint

# uint8 [H, W, 3] BGR -> float32 [C], higher for a more probable class.
Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def of_checkpoint(checkpoint: Checkpoint) -> Classify:
    from .torch_classifier import TorchClassifier

    return TorchClassifier(checkpoint.module(), checkpoint.input)


def of_bundle(model: Any, call: Callable[..., Any] | None = None) -> Classify:
    """`model`: as `edgecv_runtime.load` gives it; `call`: what runs it, such as a timer."""
    run = call or model

    def classify(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = run(image).probabilities
        return scores

    return classify


def measure(
    classify: Classify,
    names: list[str],
    folder: Path,
    split: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    say: Callable[[str], None] = unheard,
) -> Accuracy:
    """Classifies every image of a split; `names` are the classifier's classes, `say` takes lines
    about what was read."""
    data = match_classes(read_classes(folder, split), names)
    for line in data.report.lines():
        say(line)
    scores = [classify(read_image(image)) for image in progress(data.images)]
    return accuracy(scores, data.classes, names)


def match_classes(data: ClassificationData, names: list[str]) -> ClassificationData:
    """The data with classes as indices of `names`. Raises InputError for a class not in `names`."""
    index = class_numbers(data.labels, names)
    return replace(data, labels=list(names), classes=[index[number] for number in data.classes])
