"""A training run, start to end, whatever the task."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import nn

from edgecv.models.weights.checkpoint import Checkpoint
from edgecv_runtime import EngineError, InputError
from edgecv_runtime.files.held import alone
from edgecv_runtime.files.whole import clear_drafts
from edgecv_runtime.versions import require

from .epoch_order import EpochSeeds
from .epoch_progress import EpochProgress
from .files import RunFiles, WholeState
from .folder import STATE, check_out, check_settings, write_record
from .progress import MakeBar
from .resolved_settings import in_words, values_in_effect, versions
from .settings import Settings, recipe_of
from .task import counted

VALIDATIONS = 30  # at most, over the whole run


NEEDS = ("torch", "torchvision", "lightning", "numpy")


def fit(
    settings: Settings,
    out: Path,
    device: str = "auto",
    workers: int = 2,
    resume: bool = False,
    progress: MakeBar | None = None,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Trains a network and leaves best.pt, last.pt, last.ckpt, metrics.csv and curve.png in `out`.

    Args:
        settings: those of the architecture's recipe (`settings.recipe_of`).
        out: the run's folder: a new or empty one, or that of a run to resume.
        device: auto, cpu or cuda.
        workers: processes that decode and augment; 0: the main one does.
        resume: go on after the last complete epoch of the run in `out`, with the same settings but
            for the number of epochs.
        progress: makes a bar for the training and for the validation of each epoch.
        report: takes lines for the user.

    Returns:
        The best epoch: `epoch` and the task's metrics (detection: `map`, `map50`, for a model of
        masks `mask_map` and `mask_map50`); and `seconds` of the whole run.

    Raises:
        InputError: data, weights, settings, folder or device that do not fit; another process that
            trains in `out`; a loss that is not
            finite or has exploded.
        EngineError: a process of the loader has died, or the GPU's memory is too small.

    Example:
        >>> kind = recipe_of("ssd_tiny").SETTINGS
        >>> settings = kind("ssd_tiny", "shapes", epochs=20, size=(192, 256))
        >>> fit(settings, Path("run"), device="cpu")["map50"]
    """
    with ExitStack() as claim:  # on the folder
        return _fit(settings, out, device, workers, resume, progress, report, claim)


def _fit(
    settings: Settings,
    out: Path,
    device: str,
    workers: int,
    asked: bool,
    progress: MakeBar | None,
    report: Callable[[str], None],
    claim: ExitStack,
) -> dict[str, Any]:
    for package in NEEDS:
        require(package)
    _quiet()
    resume = check_out(out, asked)
    _require_device(device)
    epochs_done = 0
    if resume:
        epochs_done = _epochs_done(out / STATE)
        check_settings(settings, out, epochs_done)
    pl.seed_everything(settings.seed, workers=True, verbose=False)
    run = recipe_of(settings.architecture).prepare(settings, workers)
    for line in run.notes:
        report(line)

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
        enable_progress_bar=False,
        enable_checkpointing=False,
        plugins=[WholeState()],
        callbacks=[
            EpochSeeds(run.train, settings.seed, epochs_done),
            *run.callbacks,
            *([EpochProgress(progress)] if progress is not None else []),
            files,
        ],
    )
    in_effect = values_in_effect(run, trainer, workers)
    report(in_words(in_effect))
    if resume and epochs_done < settings.epochs:
        report(f"{epochs_done} of {settings.epochs} epochs are done: going on")
    elif resume:
        report(f"all {epochs_done} epochs are done; `epochs={2 * epochs_done}` would go on")
    out.mkdir(parents=True, exist_ok=True)
    if (
        not claim.enter_context(alone(out))
        # It may have been there meanwhile.
        or check_out(out, asked) != resume
        or (resume and _epochs_done(out / STATE) != epochs_done)
    ):
        raise InputError(
            f"{out}: another run is at work there: wait until it is done, or give another `out`"
        )
    clear_drafts(out)
    write_record(out, settings, in_effect, versions())
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(
            run.task,
            run.train,
            run.validation,
            ckpt_path=str(out / STATE) if resume else None,
            weights_only=True,  # a folder of a stranger may be gone on with, too
        )
    except SystemExit as stopped:
        # Lightning turns Ctrl-C into an exit of its own and leaves the signal ignored.
        signal.signal(signal.SIGINT, on_interrupt)
        if isinstance(stopped.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stopped
        raise
    except OSError as error:
        if error.filename is None or not Path(os.fsdecode(error.filename)).is_relative_to(out):
            raise
        raise InputError(
            f"{os.fsdecode(error.filename)}: cannot be written: {error.strerror}; the epochs "
            "before are kept: `resume=True` goes on after them"
        ) from error
    except ValueError as error:
        if "Expected more than 1 value per channel" not in str(error):
            raise
        raise InputError(
            f"batch norm got a single value of each channel: a batch of {run.train.batch_size} is "
            "too small for this network and these images: use a larger `batch_size`"
        ) from error
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f"the GPU's memory is too small for a batch of {run.train.batch_size}: use a smaller "
            "`batch_size` or smaller images, or `device='cpu'`"
        ) from error
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        if "Terminated" in str(error):  # by a SIGTERM that all processes got
            raise KeyboardInterrupt from error
        raise EngineError(
            f"a process that reads the images has died ({str(error).strip()}): is there enough "
            "memory? Try a smaller `batch_size`, or `workers=0`"
        ) from error
    report(
        f"best: epoch {files.best['epoch']}, {run.task.describe(files.best)}; "
        f"{files.seconds:.0f} s; {out / 'best.pt'}"
    )
    if counted(files.best[run.task.columns[0]]) == 0:
        report(
            "nothing in the validation images was recognised in any epoch: train for longer "
            "(`epochs`), and check the labels"
        )
    return {**files.best, "seconds": round(files.seconds, 1)}


def _epochs_done(state: Path) -> int:
    """Complete epochs, as the state that the run goes on from has them."""
    try:
        content = torch.load(state, map_location="cpu", mmap=True, weights_only=True)
        return int(content["epoch"]) + 1
    except Exception as error:
        raise InputError(
            f"{state}: damaged ({type(error).__name__}): start with another `out`"
        ) from error


def _require_device(device: str) -> None:
    """Before any work. Raises InputError if it is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        why = "finds no CUDA GPU" if torch.version.cuda else "is built without CUDA"
        raise InputError(
            f"`device='cuda'`: this torch ({torch.__version__}) {why}; use `device='cpu'`, or see "
            "edgecv doctor"
        )


def _quiet() -> None:
    """Lightning's advice about loggers, workers and accelerators is not for our users."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning.*")
