"""A training run, start to end, whatever the task."""

from __future__ import annotations

import json
import logging
import signal
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from torch import nn

from edgecv.models.checkpoint import Checkpoint
from edgecv_runtime import EngineError, InputError

from .run_files import RunFiles
from .settings import Settings, recipe_of

VALIDATIONS = 30  # at most, over the whole run


def fit(
    settings: Settings,
    out: Path,
    device: str = "auto",
    workers: int = 2,
    resume: bool = False,
    progress: bool = False,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Trains a network and leaves best.pt, last.pt, last.ckpt, metrics.csv and curve.png in `out`.

    Args:
        settings: those of the architecture's recipe (`settings.recipe_of`).
        out: the run's folder. It must not hold another run, except that one to resume.
        device: auto, cpu or cuda.
        workers: processes that decode and augment; 0: the main one does.
        resume: go on after the last complete epoch of the run in `out`.
        progress: a bar for each epoch.
        report: takes lines for the user.

    Returns:
        The best epoch: `epoch` and the task's figures (detection: `map`, `map50`, for a model of
        masks `mask_map` and `mask_map50`); and `seconds` of the whole run.

    Raises:
        InputError: data, weights or settings that do not fit.
        EngineError: a process of the loader has died.
    """
    _quiet()
    epochs_done = _epochs_done(settings, out, resume)
    # A resumed run must not see the first epochs' random numbers again.
    pl.seed_everything(settings.seed + epochs_done, workers=True, verbose=False)
    run = recipe_of(settings.architecture).prepare(settings, workers)
    for line in run.notes:
        report(line)

    out.mkdir(parents=True, exist_ok=True)
    (out / "run.json").write_text(json.dumps(asdict(settings), indent=2) + "\n")

    def checkpoint(weights_of: nn.Module, facts: dict[str, Any]) -> Checkpoint:
        return Checkpoint(
            settings.architecture,
            run.arguments,
            run.labels,
            run.record,
            weights_of.state_dict(),
            {"settings": asdict(settings), **facts},
        )

    files = RunFiles(out, checkpoint, report)
    every = max(settings.epochs // VALIDATIONS, 1)
    trainer = pl.Trainer(
        accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[device],
        devices=1,
        max_epochs=settings.epochs,
        check_val_every_n_epoch=every,
        num_sanity_val_steps=0,
        gradient_clip_val=run.gradient_clip,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        callbacks=[
            *run.callbacks,
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
            run.task,
            run.train,
            run.validation,
            ckpt_path=str(out / "last.ckpt") if resume else None,
            weights_only=False,  # its own file: optimizer and loop states are no plain tensors
        )
    except SystemExit as stopped:
        # Lightning turns Ctrl-C into an exit of its own and leaves the signal ignored.
        signal.signal(signal.SIGINT, on_interrupt)
        if isinstance(stopped.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stopped
        raise
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        if "Terminated" in str(error):  # by a SIGTERM that all processes got
            raise KeyboardInterrupt from error
        raise EngineError(
            f"a process that reads the pictures has died ({str(error).strip()}): is there enough "
            "memory? Try a smaller --batch-size, or --workers 0"
        ) from error
    report(
        f"best: epoch {files.best['epoch']}, {run.task.describe(files.best)}; "
        f"{files.seconds:.0f} s; {out / 'best.pt'}"
    )
    return {**files.best, "seconds": round(files.seconds, 1)}


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
