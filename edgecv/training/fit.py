"""A training run, start to end."""

from __future__ import annotations

import json
import logging
import signal
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Dataset

from edgecv.data.augmentation import train_pipeline
from edgecv.data.folder import read_folder
from edgecv.data.minibatch import TrainingImages, collate
from edgecv.data.records import DetectionData, Record
from edgecv.models import registry
from edgecv.models.checkpoint import Checkpoint
from edgecv.models.weights import load_weights
from edgecv_runtime import InputError, read_image
from edgecv_runtime.image_headers import read_header

from .evaluation import match_labels
from .run_files import RunFiles
from .task import DetectionTask

VALIDATIONS = 30  # at most, over the whole run
LEARNING_RATE = 2e-3
PRETRAINED_LEARNING_RATE = 2e-4  # of the trunk; a new head learns ten times as fast


@dataclass(frozen=True)
class Settings:
    """What decides the result of a run; a resumed run must have the same."""

    architecture: str
    data: str
    train_split: str = "train"
    val_split: str = "val"
    weights: str = "none"
    size: tuple[int, int] | None = None  # height, width; None: the architecture's, or by the data
    epochs: int = 60
    batch_size: int = 16
    learning_rate: float | None = None  # None: by `weights`
    flip: str = "horizontal"
    seed: int = 0


def fit(
    settings: Settings,
    out: Path,
    device: str = "auto",
    workers: int = 2,
    resume: bool = False,
    progress: bool = False,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Trains a detector and leaves best.pt, last.pt, last.ckpt, metrics.csv and curve.png in `out`.

    Args:
        settings: the recipe.
        out: the run's folder. It must not hold another run, except that one to resume.
        device: auto, cpu or cuda.
        workers: processes that decode and augment; 0: the main one does.
        resume: go on after the last complete epoch of the run in `out`.
        progress: a bar for each epoch.
        report: takes lines for the user.

    Returns:
        The best epoch: `epoch`, `map`, `map50`; and `seconds` of the whole run.

    Raises:
        InputError: data, weights or settings that do not fit.
    """
    _quiet()
    epochs_done = _epochs_done(settings, out, resume)
    train = read_folder(settings.data, settings.train_split)
    val = match_labels(read_folder(settings.data, settings.val_split), train.labels)
    if len(train.records) < settings.batch_size:
        raise InputError(
            f"{len(train.records)} training images are fewer than a batch of "
            f"{settings.batch_size}; use a smaller --batch-size"
        )

    # A resumed run must not see the first epochs' random numbers again.
    pl.seed_everything(settings.seed + epochs_done, workers=True, verbose=False)
    module, arguments, note = _module(settings, train)
    record: dict[str, Any] = module.input  # type: ignore[assignment]
    height, width = record["size"]
    for line in filter(None, [note, _summary(settings, train, val, (height, width))]):
        report(line)

    out.mkdir(parents=True, exist_ok=True)
    (out / "run.json").write_text(json.dumps(asdict(settings), indent=2) + "\n")

    def checkpoint(weights_of: nn.Module, facts: dict[str, Any]) -> Checkpoint:
        return Checkpoint(
            settings.architecture,
            arguments,
            train.labels,
            record,
            weights_of.state_dict(),
            {"settings": asdict(settings), **facts},
        )

    pretrained = settings.weights != "none"
    default_rate = PRETRAINED_LEARNING_RATE if pretrained else LEARNING_RATE
    task = DetectionTask(module, record, val, settings.learning_rate or default_rate, pretrained)
    files = RunFiles(out, checkpoint, report)
    every = max(settings.epochs // VALIDATIONS, 1)
    trainer = pl.Trainer(
        accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[device],
        devices=1,
        max_epochs=settings.epochs,
        check_val_every_n_epoch=every,
        num_sanity_val_steps=0,
        gradient_clip_val=10.0,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        callbacks=[
            files,
            ModelCheckpoint(
                out, "last", enable_version_counter=False, save_on_train_epoch_end=True
            ),
            *([TQDMProgressBar()] if progress else []),
        ],
    )
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(
            task,
            _train_loader(train, (height, width), settings, workers),
            _validation_loader(val, workers),
            ckpt_path=str(out / "last.ckpt") if resume else None,
            weights_only=False,  # its own file: optimizer and loop states are no plain tensors
        )
    except SystemExit as stopped:
        # Lightning turns Ctrl-C into an exit of its own and leaves the signal ignored.
        signal.signal(signal.SIGINT, on_interrupt)
        if isinstance(stopped.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stopped
        raise
    return {**files.best, "seconds": round(files.seconds, 1)}


def _module(
    settings: Settings, train: DetectionData
) -> tuple[nn.Module, dict[str, Any], str | None]:
    """The module, its builder's arguments, and a note about its weights."""
    arguments: dict[str, Any] = {"num_classes": len(train.labels) + 1}
    if registry.accepts(settings.architecture, "size"):
        arguments["size"] = list(settings.size or size_for(train.records))
    elif settings.size is not None:
        raise InputError(f"{settings.architecture} has a size of its own; leave --size out")
    module = registry.create(settings.architecture, **arguments)
    return module, arguments, load_weights(module, settings.weights, new_head=True)


def size_for(records: list[Record]) -> tuple[int, int]:
    """Height and width of a network input with the images' median shape: 320 for the longer side,
    the other a multiple of 16 from 160 to 320."""
    shapes = []
    for record in records[:: max(len(records) // 100, 1)]:
        header = read_header(record.image.read_bytes())
        if header.size is not None:
            height, width = header.size
            shapes.append(width / height if header.orientation < 5 else height / width)
    ratio = float(np.median(shapes)) if shapes else 1.0
    shorter = int(np.clip(round(320 * min(ratio, 1 / ratio) / 16) * 16, 160, 320))
    return (shorter, 320) if ratio >= 1 else (320, shorter)


def _summary(
    settings: Settings, train: DetectionData, val: DetectionData, size: tuple[int, int]
) -> str:
    return (
        f"{settings.architecture} {size[0]}x{size[1]}, weights {settings.weights}; "
        f"{len(train.records)} training and {len(val.records)} validation images; "
        f"{len(train.labels)} classes: {', '.join(train.labels)}"
    )


def _train_loader(
    data: DetectionData, size: tuple[int, int], settings: Settings, workers: int
) -> DataLoader[Any]:
    return DataLoader(
        TrainingImages(data.records, train_pipeline(size, settings.flip)),
        settings.batch_size,
        shuffle=True,
        drop_last=True,  # a last batch of one image would spoil batch norm's statistics
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=collate,
    )


class _Pictures(Dataset[NDArray[np.uint8]]):
    def __init__(self, records: list[Record]) -> None:
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return read_image(self.records[index].image)


def _validation_loader(data: DetectionData, workers: int) -> DataLoader[Any]:
    # The collate function keeps arrays as they are; the default one makes tensors of them.
    return DataLoader(
        _Pictures(data.records), batch_size=None, collate_fn=_same, num_workers=min(workers, 1)
    )


def _same(picture: Any) -> Any:
    return picture


def _epochs_done(settings: Settings, out: Path, resume: bool) -> int:
    """Checks that `out` is new, or with `resume` that it holds a run with the same settings."""
    record = out / "run.json"
    if not resume:
        if record.exists():
            raise InputError(f"{out}: holds a run; use --resume to go on with it, or another --out")
        return 0
    if not (out / "last.ckpt").is_file() or not record.is_file():
        raise InputError(f"{out}: nothing to resume: no complete epoch; start without --resume")
    before = json.loads(record.read_text())
    changed = [
        f"{key} was {before.get(key)}, is {value}"
        for key, value in json.loads(json.dumps(asdict(settings))).items()
        if before.get(key) != value
    ]
    if changed:
        raise InputError(f"{out}: cannot resume with other settings: {'; '.join(changed)}")
    return len((out / "metrics.csv").read_text().splitlines()) - 1


def _quiet() -> None:
    """Lightning's advice about loggers, workers and accelerators is not for our users."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning.*")
