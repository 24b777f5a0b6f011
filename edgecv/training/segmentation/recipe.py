"""Training of segmentation networks: their data, crops, class weights and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgecv.data.batches.augmentation import crop_pipeline
from edgecv.data.batches.labelled_crops import LabelledCrops
from edgecv.data.reading.names_file import read_names
from edgecv.data.segmentation_folder import (
    LabelledImage,
    SegmentationData,
    read_segmentation,
    require_two_classes,
)
from edgecv.models import registry
from edgecv.models.architecture.windows import windows_of
from edgecv.models.weights.loading import load_weights
from edgecv_runtime import InputError

from ..run.loaders import batch_for, training_loader, validation_loader
from ..run.settings import Run, Settings
from .evaluation import class_lookup
from .task import SegmentationTask

BATCH_SIZE = 8
LEARNING_RATE = 1e-3
PRETRAINED_LEARNING_RATE = 1e-4  # of the backbone
CROP = (320, 480)  # height, width; at most
CROP_MULTIPLE = 32  # the strides of the backbones


@dataclass(frozen=True)
class SegmentationSettings(Settings):
    crop: tuple[int, int] | None = None  # height, width; None: CROP, if the images are not smaller
    ignore_index: tuple[int, ...] = ()  # numbers that stand for no class, beside 255
    labels: str | None = None  # a file with the classes' names
    class_weights: str = "none"
    flip: str = "horizontal"


SETTINGS = SegmentationSettings


def prepare(settings: SegmentationSettings, workers: int) -> Run:
    """See `settings.Recipe`."""
    names = read_names(settings.labels) if settings.labels is not None else None
    ignore = settings.ignore_index
    train = read_segmentation(settings.data, settings.train_split, ignore, names)
    require_two_classes(train, settings.data)
    labels = train.labels
    val = read_segmentation(settings.data, settings.val_split, ignore, names, unnamed=labels)
    val_lookup = class_lookup(val, labels)
    if not val.pixels().any():
        raise InputError(
            f"{settings.data}: no pixel of the {len(val.images)} images of the split "
            f"{settings.val_split} has a class, so nothing says which epoch is the best: label "
            "some of them, or give another `val_split`"
        )
    crop, images, dropped = _crop(settings, train)
    batch_size, fewer = batch_for(len(images), settings.batch_size, BATCH_SIZE, least=2)

    arguments: dict[str, Any] = {"num_classes": len(labels)}
    if registry.accepts(settings.architecture, "crop"):
        arguments["crop"] = list(crop)
    module = registry.create(settings.architecture, **arguments)
    note = load_weights(module, settings.weights, new_head=True)
    record = registry.input_of(module)
    crops = LabelledCrops(images, class_lookup(train, labels), crop_pipeline(crop, settings.flip))
    default_rate = PRETRAINED_LEARNING_RATE if settings.pretrained else LEARNING_RATE
    task = SegmentationTask(
        module,
        record,
        windows_of(module),
        labels,
        val.images,
        val_lookup,
        class_weights(train, settings.class_weights),
        settings.learning_rate or default_rate,
        settings.pretrained,
    )
    summary = (
        f"{settings.architecture}, crops of {crop[0]}x{crop[1]}, weights {settings.weights}; "
        f"{len(images)} training and {len(val.images)} validation images; "
        f"{len(labels)} classes: {', '.join(labels)}"
    )
    return Run(
        task,
        arguments,
        labels,
        record,
        training_loader(crops, batch_size, None, workers),
        validation_loader([entry.image for entry in val.images], workers),
        [
            *train.report.lines(),
            *val.report.lines(),
            *(line for line in (note, dropped, fewer, summary) if line),
        ],
    )


def _crop(
    settings: SegmentationSettings, data: SegmentationData
) -> tuple[tuple[int, int], list[LabelledImage], str | None]:
    """The crop's height and width, the images that are no smaller, a note about the others."""
    if settings.crop is None:
        height, width = (
            min(most, min(entry.size[axis] for entry in data.images) // CROP_MULTIPLE * 32)
            for axis, most in enumerate(CROP)
        )
        if not height or not width:
            smallest = min(data.images, key=lambda entry: min(entry.size))
            raise InputError(f"{smallest.image}: smaller than 32 x 32 pixels; leave it out")
        return (height, width), data.images, None
    height, width = settings.crop
    fitting = [e for e in data.images if e.size[0] >= height and e.size[1] >= width]
    if not fitting:
        most = max(data.images, key=lambda entry: min(entry.size))
        raise InputError(
            f"the crop {height}x{width} is larger than every training image; {most.image.name} has "
            f"{most.size[0]}x{most.size[1]}: use a smaller `crop`"
        )
    left_out = len(data.images) - len(fitting)
    note = f"{left_out} training images smaller than the crop are left out" if left_out else None
    return settings.crop, fitting, note


def class_weights(data: SegmentationData, method: str) -> Tensor | None:
    """Weights of the loss, float32 [C]; a class without a pixel has 0.

    `median`: the median of all classes' frequencies over the class's own, where a frequency is
    counted in those images only that show the class (arXiv 1411.4734). `inverse`: the inverse of
    the share of all pixels, the mean over classes brought to 1. `none`: None.
    """
    if method == "none":
        return None
    pixels = data.pixels().astype(np.float64)
    seen = pixels > 0
    weights = np.zeros(len(pixels))
    if method == "inverse":
        inverse = pixels[seen].sum() / pixels[seen]
        weights[seen] = inverse / inverse.mean()
    else:
        frequency = pixels[seen] / _pixels_beside(data)[seen]
        weights[seen] = np.median(frequency) / frequency
    return torch.from_numpy(weights).float()


def _pixels_beside(data: SegmentationData) -> Any:
    """float64 [C]: pixels of any class in the images that show the class."""
    total = np.zeros(len(data.labels))
    for entry in data.images:
        alone = SegmentationData(data.labels, data.named, data.ignore, [entry]).pixels()
        total[alone > 0] += alone.sum()
    return total
