"""Which module measures a task; a bundle is measured without torch."""

from __future__ import annotations

import importlib
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
