"""Training of detectors: their data, augmentation and settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn
from torch.utils.data import DataLoader, Dataset

from edgecv.data.batches.augmentation import instance_pipeline, train_pipeline
from edgecv.data.batches.instances import TrainingInstances, collate_instances
from edgecv.data.batches.minibatch import TrainingImages, collate
from edgecv.data.detection_folder import read_folder
from edgecv.data.mask_folder import UNNAMED
from edgecv.data.reading.image_files import upright_size
from edgecv.data.reading.records import DetectionData, Record
from edgecv.models import registry
from edgecv.models.architecture.heads import predicts_masks
from edgecv.models.architecture.input_record import InputRecord, height_width
from edgecv.models.weights.loading import load_weights
from edgecv_runtime import InputError

from ..run.loaders import batch_for, needs_two, training_loader, validation_loader
from ..run.settings import Run, Settings
from .evaluation import match_labels
from .task import DetectionTask

LEARNING_RATE = 2e-3
PRETRAINED_LEARNING_RATE = 2e-4  # of the backbone; a new head learns ten times as fast
# Images of one size are stacked; larger ones of any size go through in smaller batches.
BATCH_SIZE = 16
VARYING_BATCH_SIZE = 4


@dataclass(frozen=True)
class DetectionSettings(Settings):
    size: tuple[int, int] | None = None  # height, width; None: the architecture's, or by the data
    min_size: int | None = None  # shortest side; None: the architecture's
    class_name: str | None = None  # of a data set with one class without a name
    flip: str = "horizontal"


SETTINGS = DetectionSettings


def prepare(settings: DetectionSettings, workers: int) -> Run:
    """See `settings.Recipe`."""
    train = _named(read_folder(settings.data, settings.train_split), settings.class_name)
    train.report.require_objects(settings.data)
    val = match_labels(read_folder(settings.data, settings.val_split), train.labels)
    if not any((~record.ignore).any() for record in val.records):
        raise InputError(
            f"{settings.data}: no object in the {len(val.records)} images of the split "
            f"{settings.val_split}, so nothing says which epoch is the best: label some of them, "
            "or give another `val_split`"
        )
    module, arguments, note = _module(settings, train)
    record = registry.input_of(module)
    loader, fewer = _train_loader(train, module, settings, workers)
    if predicts_masks(module):
        _require_masks([*train.records, *val.records])
    default_rate = PRETRAINED_LEARNING_RATE if settings.pretrained else LEARNING_RATE
    rate = settings.learning_rate or default_rate
    return Run(
        DetectionTask(module, record, val, rate, settings.pretrained),
        arguments,
        train.labels,
        record,
        loader,
        validation_loader([record.image for record in val.records], workers),
        [
            *train.report.lines(),
            *val.report.lines(),
            *(line for line in (note, fewer, _summary(settings, train, val, record)) if line),
        ],
    )


def _module(
    settings: DetectionSettings, train: DetectionData
) -> tuple[nn.Module, dict[str, Any], str | None]:
    """The module, its builder's arguments, and a note about its weights."""
    arguments: dict[str, Any] = {"num_classes": len(train.labels) + 1}
    if registry.accepts(settings.architecture, "size"):
        arguments["size"] = list(settings.size or size_for(train.records))
    elif settings.size is not None:
        raise InputError(f"{settings.architecture} has a size of its own; leave `size` out")
    if settings.min_size is not None:
        arguments |= _scaled(settings.architecture, settings.min_size)
    module = registry.create(settings.architecture, **arguments)
    return module, arguments, load_weights(module, settings.weights, new_head=True)


def _scaled(architecture: str, min_size: int) -> dict[str, int]:
    """Arguments for another shortest side; the longest one keeps its proportion to it."""
    with registry.without_weights():
        record = registry.input_of(registry.create(architecture, num_classes=2))
    size, longest = record["size"], record["max_size"]
    if size is None or longest is None:
        raise InputError(f"{architecture} has no shortest side; leave `min_size` out")
    return {
        "min_size": min_size,
        "max_size": round(min_size * longest / size[0]),
    }


def size_for(records: list[Record]) -> tuple[int, int]:
    """Height and width of a network input with the images' median shape: 320 for the longer side,
    the other a multiple of 16 from 160 to 320."""
    shapes = []
    for record in records[:: max(len(records) // 100, 1)]:
        height, width = upright_size(record.image)
        shapes.append(width / height)
    ratio = float(np.median(shapes))
    shorter = int(np.clip(round(320 * min(ratio, 1 / ratio) / 16) * 16, 160, 320))
    return (shorter, 320) if ratio >= 1 else (320, shorter)


def _named(data: DetectionData, class_name: str | None) -> DetectionData:
    if class_name is None:
        return data
    if data.labels != [UNNAMED]:
        raise InputError(
            f"the data names its classes: {', '.join(data.labels)}; leave `class_name` out"
        )
    report = replace(data.report, counts={class_name: data.report.total})
    return replace(data, labels=[class_name], report=report)


def _require_masks(records: list[Record]) -> None:
    for record in records:
        if record.masks is None:
            raise InputError(
                f"{record.image}: no mask for each object; this model learns masks: expected "
                "images/ with masks/, or COCO with segmentations"
            )


def _summary(
    settings: DetectionSettings, train: DetectionData, val: DetectionData, record: InputRecord
) -> str:
    height, width = height_width(record["size"])
    fixed = record["resize"] == "stretch"
    size = f"{height}x{width}" if fixed else f"shortest side {height}"
    return (
        f"{settings.architecture} {size}, weights {settings.weights}; "
        f"{len(train.records)} training and {len(val.records)} validation images; "
        f"{len(train.labels)} classes: {', '.join(train.labels)}"
    )


def _train_loader(
    data: DetectionData, module: nn.Module, settings: DetectionSettings, workers: int
) -> tuple[DataLoader[Any], str | None]:
    """The loader, and a note about its batch size."""
    record = registry.input_of(module)
    images: Dataset[Any]
    gather: Callable[[list[Any]], Any]
    if record["resize"] == "stretch":
        size = height_width(record["size"])
        images = TrainingImages(data.records, train_pipeline(size, settings.flip))
        # The deepest map may be a single pixel of each image.
        default, least, gather = BATCH_SIZE, needs_two(module), collate
    else:
        shortest, longest = height_width(record["size"])[0], record["max_size"]
        assert longest is not None
        pipeline = instance_pipeline(shortest, longest, settings.flip)
        images = TrainingInstances(data.records, pipeline, predicts_masks(module))
        default, least, gather = VARYING_BATCH_SIZE, 1, collate_instances
    batch_size, note = batch_for(len(data.records), settings.batch_size, default, least)
    return training_loader(images, batch_size, gather, workers), note
