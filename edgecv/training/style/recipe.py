"""Training of style networks: their images, their style and settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
import torch.nn.functional as F

from edgecv.models import registry
from edgecv.models.style_transform import SMALLEST_SIDE
from edgecv.models.weights.loading import load_weights
from edgecv_runtime import InputError, Stylized

from ..run.files import RunFiles
from ..run.loaders import batch_for, training_loader, validation_loader
from ..run.settings import Run, Settings
from .images import StyleImages, split_images
from .losses import LossWeights, StyleLoss, VggBackbone, layer_names, read_style
from .task import StyleTask

LEARNING_RATE = 1e-3
BATCH_SIZE = 4
CROP = (256, 256)
CONTENT_LAYERS = "relu2_2"
STYLE_LAYERS = "relu1_2,relu2_2,relu3_3,relu4_3"
SAMPLE_HEIGHT = 256  # pixels of a row in `pictures/epoch_NNN.jpg`


@dataclass(frozen=True)
class StyleSettings(Settings):
    style: str = ""  # the image whose style is learnt
    style_size: int = 512  # its longer side in pixels, at most
    style_weight: float = LossWeights.style
    content_weight: float = LossWeights.content
    tv_weight: float = LossWeights.tv
    style_layers: str = STYLE_LAYERS
    content_layers: str = CONTENT_LAYERS
    loss_trunk: str = "vgg16"
    loss_weights: str = "default"
    size: tuple[int, int] = CROP  # height and width of the crops
    width: int = 32
    blocks: int = 5
    epochs: int = 20


SETTINGS = StyleSettings


def prepare(settings: StyleSettings, workers: int) -> Run:
    """See `settings.Recipe`."""
    if not settings.style:
        raise InputError(f"{settings.architecture} learns a style: give its image as `style`")
    if min(settings.size) < 4 * SMALLEST_SIDE:
        raise InputError(
            f"`size` is {settings.size[0]}x{settings.size[1]}; expected at least "
            f"{4 * SMALLEST_SIDE} pixels each way"
        )
    train, val = split_images(settings.data, settings.train_split, settings.val_split)
    style = read_style(settings.style, settings.style_size)
    content_layers = layer_names(settings.content_layers)
    style_layers = layer_names(settings.style_layers)
    backbone = VggBackbone(
        settings.loss_trunk, [*content_layers, *style_layers], settings.loss_weights
    )
    weights = LossWeights(settings.content_weight, settings.style_weight, settings.tv_weight)
    loss = StyleLoss(backbone, style, content_layers, style_layers, weights)
    arguments: dict[str, Any] = {"width": settings.width, "blocks": settings.blocks}
    module = registry.create(settings.architecture, **arguments)
    load_weights(module, settings.weights)
    record = registry.input_of(module)
    height, width = style.shape[1:]
    notes = [
        f"{settings.architecture} {settings.size[0]}x{settings.size[1]}, weights "
        f"{settings.weights}; {len(train)} images, {len(val)} to validate with; style "
        f"{settings.style}, {width} x {height} pixels"
    ]
    batch_size, fewer = batch_for(len(train), settings.batch_size, BATCH_SIZE)
    if fewer is not None:
        notes.append(fewer)
    if settings.loss_weights == "none":
        notes.append(
            f"the backbone of the losses, {settings.loss_trunk}, has random weights, as asked: the "
            "results will not show the style"
        )
    return Run(
        StyleTask(module, loss, settings.learning_rate or LEARNING_RATE),
        arguments,
        [],
        record,
        training_loader(
            StyleImages(train, settings.size), batch_size, None, workers,
        ),
        validation_loader(val, workers),
        notes,
        callbacks=[SampleImages()],
    )  # fmt: skip


class SampleImages(pl.Callback):
    """After each validation writes `pictures/epoch_NNN.jpg`: images above, their results below."""

    def on_validation_epoch_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        assert isinstance(task, StyleTask)
        files = next(c for c in trainer.callbacks if isinstance(c, RunFiles))
        folder: Path = files.folder / "pictures"
        folder.mkdir(exist_ok=True)
        rows = [torch.cat([_to_height(pair[side]) for pair in task.stylized], 2) for side in (0, 1)]
        sheet = torch.cat(rows, 1).mul(255).round().to(torch.uint8)
        pixels = sheet.permute(1, 2, 0).numpy()[:, :, ::-1]
        Stylized(pixels.copy()).save(folder / f"epoch_{trainer.current_epoch + 1:03}.jpg")


def _to_height(image: torch.Tensor) -> torch.Tensor:
    height, width = image.shape[1:]
    size = (SAMPLE_HEIGHT, max(round(width * SAMPLE_HEIGHT / height), 1))
    return F.interpolate(image[None], size, mode="bilinear", antialias=True)[0].clamp(0, 1)
