"""What a training run leaves in its folder: best.pt, last.pt, metrics.csv, curve.png."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import matplotlib
from lightning.pytorch.plugins.io import TorchCheckpointIO
from matplotlib.figure import Figure
from torch import nn

from edgecv.models.weights.checkpoint import Checkpoint, save_checkpoint, save_whole
from edgecv_runtime.files.whole import write_file

from .divergence import diverged
from .folder import STATE
from .task import TrainingTask

matplotlib.use("Agg")

COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:red")


class RunFiles(pl.Callback):
    """Writes the files after each epoch, each whole or not at all, Lightning's state first; best.pt
    is the best one, as the task judges.

    Args:
        folder: of the run.
        checkpoint: makes a checkpoint of the given module and training facts.
        report: takes one line for the user after each validation.
    """

    def __init__(
        self,
        folder: Path,
        checkpoint: Callable[[nn.Module, dict[str, Any]], Checkpoint],
        report: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self.checkpoint = checkpoint
        self.report = report
        self.rows: list[dict[str, float | int | str]] = []
        self.best: dict[str, float | int] = {}
        self.facts: dict[str, Any] = {}  # of the last epoch, for its checkpoints
        self._seconds_before = 0.0
        self._epochs_before = 0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time of the run in seconds, that before a resume included."""
        return self._seconds_before + time.monotonic() - self._started

    def _left(self, trainer: pl.Trainer) -> str:
        """The time until the end, at the rate of the epochs since this process began."""
        epochs = len(self.rows) + 1 - self._epochs_before
        remaining = int(trainer.max_epochs or 0) - trainer.current_epoch - 1
        seconds = (time.monotonic() - self._started) / epochs * remaining
        return f", {seconds:.0f} s left" if remaining > 0 else ""

    def state_dict(self) -> dict[str, Any]:
        state = {"rows": self.rows, "best": self.best, "facts": self.facts}
        return {**state, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows, self.best, self.facts = state["rows"], state["best"], state["facts"]
        self._seconds_before = state["seconds"]
        self._epochs_before = len(self.rows)
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        assert isinstance(task, TrainingTask)
        epoch = trainer.current_epoch + 1
        losses = trainer.callback_metrics
        row: dict[str, float | int | str] = {"epoch": epoch, "seconds": round(self.seconds, 1)}
        row["learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        for name in ("loss", *task.loss_names):
            row[name] = round(float(losses[name]), 5)
        row |= dict.fromkeys(task.columns, "")
        facts = {"epoch": epoch}
        if task.metrics is not None:
            metrics, task.metrics = task.metrics, None
            for name, value in metrics.items():
                if not math.isfinite(value):
                    what = f"validation: {task.curves[name]} is {value}"
                    raise diverged(what, epoch, float(row["learning_rate"]))
            row |= {name: round(value, 5) for name, value in metrics.items()}
            facts |= task.facts
            if not self.best or task.better(metrics, self.best):
                self.best = {"epoch": epoch, **metrics}
            self.report(
                f"epoch {epoch}/{trainer.max_epochs}  loss {row['loss']:.3f}  "
                f"{task.describe(metrics)}  {self.seconds:.0f} s{self._left(trainer)}"
            )
        self.rows.append(row)
        self.facts = facts
        # An epoch is done when this is written; the rest follows from it.
        trainer.save_checkpoint(self.folder / STATE)
        self._write(task)

    def on_fit_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        assert isinstance(task, TrainingTask)
        if self.rows:  # the process may have died before it had written the rest
            self._write(task)

    def _write(self, task: TrainingTask) -> None:
        last = self.checkpoint(task.kept, self.facts)
        if self.best and self.best["epoch"] == self.facts["epoch"]:
            save_checkpoint(self.folder / "best.pt", last)
        save_checkpoint(self.folder / "last.pt", last)
        write_table(self.folder / "metrics.csv", self.rows)
        draw_curve(self.folder / "curve.png", self.rows, task)


class WholeState(TorchCheckpointIO):
    """Writes Lightning's state in the run's own folder, whole or not at all."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        save_whole(path, checkpoint)


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_file(path, text.getvalue())


def draw_curve(path: Path, rows: list[dict[str, Any]], task: TrainingTask) -> None:
    """Loss on the left axis, the task's metrics on the right one, over the epochs."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    epochs = [row["epoch"] for row in rows]
    left.plot(epochs, [row["loss"] for row in rows], color="tab:gray", label="loss (training)")
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    lines = [*left.get_lines()]
    validated = [row for row in rows if all(row[name] != "" for name in task.columns)]
    if validated and task.columns:
        right = left.twinx()
        for name, color in zip(task.columns, COLORS, strict=False):
            values = [row[name] for row in validated]
            label = task.curves[name]
            right.plot([row["epoch"] for row in validated], values, color=color, label=label)
        right.set(ylabel=task.curves_axis, ylim=task.curves_range)
        lines += right.get_lines()
    labels = [str(line.get_label()) for line in lines]
    figure.legend(lines, labels, loc="outside upper center", ncols=len(lines), frameon=False)
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=120)
    write_file(path, memory.getbuffer())
