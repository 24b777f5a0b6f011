"""What has left the numbers: a loss, weights, and validation that measures nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from edgecv.cli.main import main
from edgecv.data.segmentation_folder import read_segmentation
from edgecv.data.synthetic import write_shapes
from edgecv.models import registry
from edgecv.models.weights.checkpoint import load_checkpoint, save_checkpoint
from edgecv.models.weights.usable import require_finite_module
from edgecv.training.classification.task import ClassificationTask
from edgecv.training.detection.metrics import Detected
from edgecv.training.detection.task import DetectionTask
from edgecv.training.detection.torch_detector import TorchDetector
from edgecv.training.run.divergence import EXPLODED, LossGuard
from edgecv.training.run.task import TrainingTask
from edgecv.training.segmentation.task import SegmentationTask
from edgecv.training.style.task import StyleTask
from edgecv_runtime import InputError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    layouts = ("voc", "coco", "yolo", "segments", "classes")
    return {
        layout: write_shapes(folder / layout, train=6, val=2, size=(80, 112), layout=layout)
        for layout in layouts
    }


def train(architecture: str, data: Path, out: Path, *words: object) -> int:
    common = ("--epochs", 3, "--batch-size", 2, "--device", "cpu", "--workers", 0)
    command = ["train", architecture, "--data", data, "--out", out, *common, *words]
    return main([str(word) for word in command])


def error(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = [
        line for line in capsys.readouterr().err.splitlines() if line.startswith("edgecv: error:")
    ]
    return line


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops(bad: float) -> None:
    guard = LossGuard()
    guard.check(3.0, 1, 1, 0.1)
    with pytest.raises(InputError) as caught:
        guard.check(bad, 2, 17, 0.00123)
    message = str(caught.value)
    assert message.startswith(f"epoch 2, step 17: the loss is {bad}, at a learning rate of 0.00123")
    assert "lower `learning_rate`" in message
    assert "\n" not in message


@pytest.mark.parametrize(("first", "most"), [(5.0, 5 * EXPLODED), (1e-3, EXPLODED), (1e6, 1e9)])
def test_a_loss_that_explodes_stops(first: float, most: float) -> None:
    guard = LossGuard()
    for loss in (first, most, most / 2):
        guard.check(loss, 1, 1, 0.1)
    with pytest.raises(InputError, match="step 9: the loss has exploded"):
        guard.check(most * 1.01, 1, 9, 0.1)


def test_a_learning_rate_that_is_far_too_high(
    data: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--min-size", 64, "--batch-size", 1, "--lr", 0.99)
    assert train("maskrcnn_mobilenet_v3_large_fpn", data["coco"], tmp_path / "run", *words) == 2
    line = error(capsys)
    assert (
        "epoch 1, step 2: the loss has exploded" in line or "epoch 1, step 2: the loss is" in line
    )
    assert "at a learning rate of 0.99" in line


_TASKS: dict[str, tuple[str, type[TrainingTask], tuple[object, ...]]] = {
    "voc": ("ssd_tiny", DetectionTask, ("--size", "64x64")),
    "coco": (
        "maskrcnn_mobilenet_v3_large_fpn",
        DetectionTask,
        ("--min-size", 64, "--batch-size", 1),
    ),
    "segments": ("fcn_resnet18", SegmentationTask, ("--crop", "32x32")),
    "classes": ("mobilenet_v3_small", ClassificationTask, ("--size", "32x32")),
    "style": (
        "style_transform",
        StyleTask,
        ("--size", "64x64", "--width", 4, "--blocks", 1, "--loss-weights", "none"),
    ),
}


@pytest.mark.parametrize("kind", list(_TASKS))
def test_every_task_stops_and_keeps_what_it_had(
    kind: str,
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loss turns NaN in the second step of the second epoch."""
    architecture, task, words = _TASKS[kind]
    own = task.training_step

    def step(self: Any, batch: Any, index: int) -> Tensor:
        loss = own(self, batch, index)
        return loss * math.nan if (self.current_epoch, index) == (1, 1) else loss

    monkeypatch.setattr(task, "training_step", step)
    folder = data.get(kind, data["classes"])
    if kind == "style":
        words += ("--style", sorted((data["voc"] / "JPEGImages").iterdir())[0])
    assert train(architecture, folder, tmp_path / "run", *words) == 2
    line = error(capsys)
    assert line.startswith("edgecv: error: epoch 2, step 2: the loss is nan, at a learning rate of")
    best = load_checkpoint(tmp_path / "run" / "best.pt")  # refuses what is not finite
    assert best.training["epoch"] == 1
    assert load_checkpoint(tmp_path / "run" / "last.pt").training["epoch"] == 1


def test_weights_that_break_in_the_last_step_of_an_epoch(
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A loss may be sound and its gradient not: the weights are looked at before they are kept."""
    monkeypatch.setattr(
        DetectionTask,
        "on_before_optimizer_step",
        lambda self, _optimizer: [
            parameter.grad.fill_(math.nan)
            for parameter in self.parameters()
            if parameter.grad is not None and self.trainer.is_last_batch
        ],
    )
    assert train("ssd_tiny", data["voc"], tmp_path / "run", "--size", "64x64") == 2
    assert "epoch 1, after its last step" in error(capsys)
    assert not list((tmp_path / "run").glob("*.pt"))


def test_of_equal_epochs_the_later_one_is_kept(
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A detector that finds nothing for long is not that of epoch 1 for ever."""
    nothing = Detected(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    monkeypatch.setattr(TorchDetector, "__call__", lambda self, image: nothing)
    assert train("ssd_tiny", data["voc"], tmp_path / "run", "--size", "64x64") == 0
    assert load_checkpoint(tmp_path / "run" / "best.pt").training["epoch"] == 3
    assert "nothing in the validation images was recognised" in capsys.readouterr().out


def test_validation_without_objects(
    data: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_shapes(tmp_path / "yolo", train=4, val=3, size=(80, 112), layout="yolo")
    for path in (folder / "labels" / "val").glob("*.txt"):
        path.write_text("")
    assert train("ssd_tiny", folder, tmp_path / "run", "--size", "64x64") == 2
    assert "no object in the 3 images of the split val" in error(capsys)
    assert not (tmp_path / "run").exists()


def test_validation_without_a_labelled_pixel(
    data: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    folder = write_shapes(tmp_path / "s", train=4, val=2, size=(80, 112), layout="segments")
    for entry in read_segmentation(folder, "val").images:
        cv2.imwrite(str(entry.mask), np.full(entry.size, 255, np.uint8))
    assert train("fcn_resnet18", folder, tmp_path / "run", "--crop", "32x32") == 2
    line = error(capsys)
    assert (
        "no pixel of the 2 images of the split val has a class" in line or "shows a class" in line
    )


@pytest.fixture
def broken(data: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A checkpoint with one NaN, as an older training could leave it."""
    assert train("ssd_tiny", data["voc"], tmp_path / "first", "--size", "64x64") == 0
    sound = load_checkpoint(tmp_path / "first" / "last.pt")
    name = next(name for name in sound.state_dict if name.endswith("bias"))
    sound.state_dict[name][0] = math.nan
    save_checkpoint(tmp_path / "nan.pt", sound)
    torch.save(sound.state_dict, tmp_path / "nan.pth")
    capsys.readouterr()
    return tmp_path


def test_weights_with_nan_are_refused(
    broken: Path, data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for weights in ("nan.pt", "nan.pth"):
        words = ("--size", "64x64", "--weights", broken / weights)
        assert train("ssd_tiny", data["voc"], broken / "run", *words) == 2
        assert f"{weights}: " in (line := error(capsys))
        assert "holds NaN or infinity: the training that made these weights diverged" in line
    for command in (
        ["export", broken / "nan.pt", "--out", broken / "bundle"],
        ["export", "ssd_tiny", "--weights", broken / "nan.pth", "--out", broken / "bundle"],
        ["eval", broken / "nan.pt", "--data", data["voc"]],
    ):
        assert main([str(word) for word in command]) == 2
        assert "holds NaN or infinity" in error(capsys)
    assert not (broken / "bundle").exists()


def test_a_module_with_nan_is_refused() -> None:
    module = registry.create("ssd_tiny", num_classes=2, size=(64, 64), width=8)
    require_finite_module(module, "it")
    module.register_buffer("attention_mask", torch.full((2,), -math.inf))
    require_finite_module(module, "it")
    next(b for n, b in module.named_buffers() if n.endswith("running_var"))[0] = math.nan
    with pytest.raises(InputError, match=r"it: .*running_var holds NaN"):
        require_finite_module(module, "it")


def test_luck_is_no_progress(data: dict[str, Path]) -> None:
    """A mean of 0.0003 after one epoch does not beat one of 0.0001 after more."""
    module = registry.create("ssd_tiny", num_classes=2, size=(64, 64), width=8)
    task = DetectionTask(module, module.input, None, 1e-3, False)  # type: ignore[arg-type]
    assert task.better({"map": 0.0001, "map50": 0.0}, {"map": 0.0003, "map50": 0.0})
    assert task.better({"map": 0.2, "map50": 0.0}, {"map": 0.2, "map50": 0.5})
    assert not task.better({"map": 0.0004, "map50": 0.0}, {"map": 0.0006, "map50": 0.0})
    assert task.better({"map": 0.0, "mask_map": 0.3}, {"map": 0.9, "mask_map": 0.2})
