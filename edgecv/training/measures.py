"""What the measuring of all tasks shares, and which module measures a task (no torch)."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from edgecv_runtime import InputError

# The folder of `edgecv.training` for each task.
MEASURES = {
    "detect": "detection",
    "instance": "detection",
    "classify": "classification",
    "segment": "segmentation",
}


def measure_of(task: str) -> Any:
    """The module that measures this task: `of_checkpoint` and `of_bundle` make a prediction of it,
    `measure` compares predictions with a folder's labels and gives a result with `table`,
    `to_dict`, `images` and `headline` (name and value, 0..1, of the metric that counts).

    Raises InputError for a task that nothing measures.
    """
    if task not in MEASURES:
        raise InputError(f"nothing measures the task {task}; expected {', '.join(MEASURES)}")
    return importlib.import_module(f"edgecv.training.{MEASURES[task]}.evaluation")


def unheard(line: str) -> None:
    """Ignores a line of the report."""


def class_numbers(labels: Sequence[str], names: Sequence[str]) -> list[int]:
    """For each of the data's labels its index in the model's `names`.

    Raises InputError if the model does not know one.
    """
    unknown = [label for label in labels if label not in names]
    if unknown:
        raise InputError(
            f"the data has classes that the model does not know: {', '.join(unknown)}; "
            f"the model has {', '.join(names)}"
        )
    number = {name: index for index, name in reversed(list(enumerate(names)))}
    return [number[label] for label in labels]
