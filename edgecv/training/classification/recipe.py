"""Training of classifiers: their data, augmentation and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgecv.data.batches.augmentation import classification_pipeline
from edgecv.data.batches.class_images import ClassImages
from edgecv.data.class_folder import read_classes
from edgecv.models import registry
from edgecv.models.architecture.input_record import height_width
from edgecv.models.weights.loading import load_weights
from edgecv_runtime import InputError

from ..run.loaders import batch_for, training_loader, validation_loader
from ..run.settings import Run, Settings
from .evaluation import match_classes
from .task import ClassificationTask

BATCH_SIZE = 32
LEARNING_RATE = 1e-3
PRETRAINED_LEARNING_RATE = 1e-4  # of the backbone


@dataclass(frozen=True)
class ClassificationSettings(Settings):
    size: tuple[int, int] | None = None  # height, width; None: that of the published weights
    flip: str = "horizontal"


SETTINGS = ClassificationSettings


def prepare(settings: ClassificationSettings, workers: int) -> Run:
    """See `settings.Recipe`."""
    train = read_classes(settings.data, settings.train_split)
    if len(train.labels) < 2:
        raise InputError(f"{settings.data}: one class, {train.labels[0]}; expected at least two")
    val = match_classes(read_classes(settings.data, settings.val_split), train.labels)
    batch_size, fewer = batch_for(len(train.images), settings.batch_size, BATCH_SIZE, least=2)
    arguments: dict[str, Any] = {"num_classes": len(train.labels)}
    if settings.size is not None:
        arguments["size"] = list(settings.size)
    module = registry.create(settings.architecture, **arguments)
    note = load_weights(module, settings.weights, new_head=True)
    record = registry.input_of(module)
    height, width = height_width(record["crop"])
    pipeline = classification_pipeline((height, width), record["interpolation"], settings.flip)
    loader = training_loader(ClassImages(train, pipeline), batch_size, None, workers)
    default_rate = PRETRAINED_LEARNING_RATE if settings.pretrained else LEARNING_RATE
    summary = (
        f"{settings.architecture} {height}x{width}, weights {settings.weights}; "
        f"{len(train.images)} training and {len(val.images)} validation images; "
        f"{len(train.labels)} classes: {', '.join(train.labels)}"
    )
    rate = settings.learning_rate or default_rate
    return Run(
        ClassificationTask(module, record, val, rate, settings.pretrained),
        arguments,
        train.labels,
        record,
        loader,
        validation_loader(val.images, workers),
        [
            *train.report.lines(),
            *val.report.lines(),
            *(line for line in (note, fewer, summary) if line),
        ],
    )
