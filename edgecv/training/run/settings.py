"""What a run is asked to do, and what a task makes of it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from edgecv.models import registry
from edgecv.models.architecture.input_record import InputRecord

if TYPE_CHECKING:
    import lightning.pytorch as pl
    from torch.utils.data import DataLoader

    from .task import TrainingTask

# The folder of `edgecv.training` for each task; its module `recipe` has the Settings.
_RECIPES = {
    "detect": "detection",
    "instance": "detection",
    "classify": "classification",
    "segment": "segmentation",
    "stylize": "style",
}


@dataclass(frozen=True)
class Settings:
    """What decides the result of a run; a resumed run must have the same.

    Each task adds its own; every field is an option of `edgecv train`.
    """

    architecture: str
    data: str
    train_split: str = "train"
    val_split: str = "val"
    weights: str = "none"
    epochs: int = 60
    batch_size: int | None = None  # None: by the architecture
    learning_rate: float | None = None  # None: by `weights`
    seed: int = 0

    @property
    def pretrained(self) -> bool:
        return self.weights != "none"


@dataclass
class Run:
    """All that a run needs beside its folder."""

    task: TrainingTask
    arguments: dict[str, Any]  # of the architecture's builder
    labels: list[str]
    record: InputRecord  # the input record
    train: DataLoader[Any]
    validation: DataLoader[Any]
    notes: list[str] = field(default_factory=list)  # lines for the user
    gradient_clip: float = 10.0
    callbacks: list[pl.Callback] = field(default_factory=list)


class Recipe(Protocol):
    """A module `edgecv.training.<folder>.recipe`."""

    SETTINGS: type[Settings]

    def prepare(self, settings: Any, workers: int) -> Run:
        """Reads the data and builds the network.

        Raises InputError for data, weights or settings that do not fit.
        """
        ...


def recipe_of(architecture: str) -> Recipe:
    """How the architecture is trained. Raises InputError if it is unknown."""
    recipe: Any = importlib.import_module(
        f"edgecv.training.{_RECIPES[registry.task_of(architecture)]}.recipe"
    )
    return recipe
