"""Training and evaluation as the command line runs them, on generated shapes."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

from edgecv.data.detection_folder import read_folder
from edgecv.data.synthetic import SHAPES, write_shapes
from edgecv.models import registry
from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv.training.detection.metrics import Detected, average_precision
from edgecv.training.detection.recipe import DetectionSettings as Settings
from edgecv.training.detection.recipe import size_for
from edgecv.training.detection.task import DetectionTask
from edgecv.training.detection.torch_detector import TorchDetector
from edgecv.training.run.fit import fit
from edgecv.training.run.task import HEAD_FACTOR
from edgecv_runtime import EngineError, InputError, read_image
from helpers.data_sets import make_voc, voc_object, write_image
from helpers.training_runs import train_or_eval

IMAGES, EPOCHS = 16, 3


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"), train=IMAGES, val=4, size=(96, 128))


def settings(shapes: Path, **changes: object) -> Settings:
    defaults = {"size": (64, 96), "epochs": EPOCHS, "batch_size": 4}
    return Settings("ssd_tiny", str(shapes), **defaults | changes)  # type: ignore[arg-type]


def quiet_fit(settings: Settings, out: Path, resume: bool = False) -> dict[str, object]:
    return fit(settings, out, device="cpu", workers=0, resume=resume, report=lambda line: None)


@pytest.fixture(scope="module")
def run(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "shapes"
    status = train_or_eval(
        "train", "ssd_tiny", "--data", shapes, "--out", out, "--size", "64x96",
        "--epochs", EPOCHS, "--batch-size", 4, "--device", "cpu", "--workers", 2,
    )  # fmt: skip
    assert status == 0
    return out


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_its_files(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {"best.pt", "last.pt", "last.ckpt", "metrics.csv", "curve.png", "run.json"}
    assert [row["epoch"] for row in rows(run)] == ["1", "2", "3"]
    assert float(rows(run)[-1]["loss"]) < float(rows(run)[0]["loss"])
    assert read_image(run / "curve.png").std() > 10
    checkpoint = load_checkpoint(run / "last.pt")
    assert checkpoint.architecture == "ssd_tiny"
    assert checkpoint.arguments == {"num_classes": 4, "size": [64, 96]}
    assert checkpoint.labels == list(SHAPES)
    assert checkpoint.training["epoch"] == EPOCHS
    best = max(rows(run), key=lambda row: float(row["map"]))
    assert load_checkpoint(run / "best.pt").training["epoch"] == int(best["epoch"])


def test_learning_rate_warms_up_and_falls_along_a_cosine(run: Path) -> None:
    # 4 steps an epoch, 12 in all, the first tenth (one step) warm-up; noted after each epoch.
    expected = [
        2e-3 * (0.01 + 0.99 * (1 + math.cos(math.pi * (step - 1) / 11)) / 2) for step in (4, 8, 12)
    ]
    assert [float(row["learning_rate"]) for row in rows(run)] == pytest.approx(expected)


def test_resume_goes_on_with_the_same_schedule(run: Path, shapes: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("epoch 2/"):
            raise Stop

    out = tmp_path / "run"
    with pytest.raises(Stop):
        fit(settings(shapes), out, device="cpu", workers=0, report=stop)
    assert [row["epoch"] for row in rows(out)] == ["1"]

    with pytest.raises(InputError, match="holds a run; use `resume=True`"):
        quiet_fit(settings(shapes), out)
    with pytest.raises(InputError, match=r"with other settings: seed was 0, is 1$"):
        quiet_fit(settings(shapes, epochs=5, seed=1), out, resume=True)

    quiet_fit(settings(shapes), out, resume=True)
    assert [row["epoch"] for row in rows(out)] == ["1", "2", "3"]
    for own, whole in zip(rows(out), rows(run), strict=True):
        assert float(own["learning_rate"]) == pytest.approx(float(whole["learning_rate"]))
    state = torch.load(out / "last.ckpt", weights_only=False)
    assert (state["epoch"], state["global_step"]) == (2, 12)
    # The averaged weights were counted on, too.
    assert int(state["state_dict"]["average.n_averaged"]) == 12


def test_ctrl_c_stays_an_interrupt(shapes: Path, tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("epoch 1/"):
            signal.raise_signal(signal.SIGINT)

    # A job in the background is started with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(settings(shapes), tmp_path / "run", device="cpu", workers=0, report=interrupt)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_dead_loader_is_one_line(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"DataLoader worker (pid 7) is killed by signal: {signal_name}. ")

    monkeypatch.setattr(pl.Trainer, "fit", die)
    signal_name = "Killed"
    with pytest.raises(EngineError, match=r"has died \(DataLoader worker .pid 7.*`workers=0`"):
        quiet_fit(settings(shapes), tmp_path / "run")
    signal_name = "Terminated"
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(settings(shapes), tmp_path / "other")


def test_resume_without_a_run(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to resume"):
        quiet_fit(settings(shapes), tmp_path / "none", resume=True)


def test_the_same_seed_gives_the_same_losses(shapes: Path, tmp_path: Path) -> None:
    losses = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        quiet_fit(settings(shapes, epochs=1, seed=seed), tmp_path / name)
        losses.append(rows(tmp_path / name)[0]["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_eval_of_a_checkpoint(run: Path, shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command's metrics are those that training saw, and those of a plain loop."""
    assert train_or_eval("eval", run / "last.pt", "--data", shapes, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    checkpoint = load_checkpoint(run / "last.pt")
    assert result == checkpoint.training["precision"]
    assert result["images"] == 4

    module = checkpoint.module()
    data = read_folder(shapes, "val")
    detections = []
    for record in data.records:
        rgb = read_image(record.image)[:, :, ::-1].copy()
        with torch.inference_mode():
            output = module([torch.from_numpy(rgb).permute(2, 0, 1).float() / 255])[0]
        boxes, scores, labels = (output[key].numpy() for key in ("boxes", "scores", "labels"))
        detections.append(Detected(boxes, scores, labels - 1))
    plain = average_precision(data.records, detections, data.labels)
    assert result["map"] == pytest.approx(plain.map, abs=2e-3)
    assert result["map50"] == pytest.approx(plain.map50, abs=2e-3)

    assert train_or_eval("eval", run / "last.pt", "--data", shapes, "--split", "train") == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["mAP", "mAP@0.5", "mAP@0.75"]
    end = table.index("")  # then the best thresholds
    assert [line.split()[0] for line in table[1:end]] == ["all", *SHAPES]
    assert table[-1].startswith(f"{IMAGES} images, ")


def test_eval_refuses_data_with_other_classes(run: Path, tmp_path: Path) -> None:
    folder = write_shapes(tmp_path, train=1, val=1)
    for path in (folder / "Annotations").iterdir():
        path.write_text(path.read_text().replace("circle", "star").replace("square", "star"))
    with pytest.raises(InputError, match="does not know: star; the model has circle, square"):
        train_or_eval("eval", run / "last.pt", "--data", folder)


def test_boxes_are_in_pixels_of_the_image() -> None:
    class Fixed(torch.nn.Linear):
        def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            assert [image.shape for image in images] == [(3, 64, 96)]
            assert float(images[0][0].mean()) == pytest.approx(200 / 255, abs=1e-4)  # red first
            whole = torch.tensor([[0.0, 0, 96, 64], [48, 16, 96, 32]])
            scores = torch.tensor([0.9, 0.8])
            return [{"boxes": whole, "scores": scores, "labels": torch.tensor([1, 3])}]

    record = registry.create("ssd_tiny", num_classes=2, size=(64, 96)).input
    image = np.zeros((128, 300, 3), np.uint8)
    image[:, :, 2] = 200
    result = TorchDetector(Fixed(1, 1), record)(image)
    np.testing.assert_allclose(result.boxes, [[0, 0, 300, 128], [150, 32, 300, 64]], rtol=1e-6)
    assert result.labels.tolist() == [0, 2]


def test_transfer_replaces_the_head_and_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_shapes(tmp_path / "data", train=4, val=2, size=(96, 128))
    for path in (folder / "Annotations").iterdir():
        path.write_text(path.read_text().replace("circle", "square"))
    out = tmp_path / "run"
    train_or_eval(
        "train", "ssd_tiny", "--data", folder, "--out", out, "--weights", run / "best.pt",
        "--size", "64x96", "--epochs", 1, "--batch-size", 4, "--device", "cpu", "--workers", 0,
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert "has 4 classes, the data 3 (background included): backbone kept, head new" in printed
    assert load_checkpoint(out / "last.pt").labels == ["square", "triangle"]
    assert float(rows(out)[0]["learning_rate"]) <= 2e-4


@pytest.mark.parametrize("pretrained", [False, True])
def test_a_new_head_on_a_pretrained_backbone_learns_faster(shapes: Path, pretrained: bool) -> None:
    module = registry.create("ssd_tiny", num_classes=4, size=(64, 96))
    task = DetectionTask(module, module.input, read_folder(shapes, "val"), 1e-4, pretrained)
    groups = task.parameter_groups()
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert len(rates) == len(list(module.parameters()))
    for name, parameter in module.named_parameters():
        factor = HEAD_FACTOR if pretrained and name.startswith("head.") else 1
        assert rates[id(parameter)] == pytest.approx(1e-4 * factor)
        assert (decays[id(parameter)] > 0) == (parameter.ndim > 1)


def test_torchvisions_models_train(shapes: Path, tmp_path: Path) -> None:
    best = quiet_fit(
        Settings("ssdlite320_mobilenet_v3_large", str(shapes), epochs=1, batch_size=8),
        tmp_path / "run",
    )
    assert best["epoch"] == 1
    checkpoint = load_checkpoint(tmp_path / "run" / "best.pt")
    assert checkpoint.input["size"] == [320, 320]
    assert checkpoint.input["mean"] == [0.5, 0.5, 0.5]


def test_size_follows_the_images(tmp_path: Path) -> None:
    for (height, width), expected in {
        (480, 640): (240, 320),
        (640, 480): (320, 240),
        (100, 100): (320, 320),
        (100, 400): (160, 320),
    }.items():
        folder = tmp_path / f"{height}x{width}"
        make_voc(folder, {"a": voc_object("dog", (1, 1, 9, 9))})
        write_image(folder / "JPEGImages" / "a.png", height, width)
        assert size_for(read_folder(folder, "train").records) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 32}, "16 training images are fewer than a batch of 32"),
        ({"val_split": "test"}, "no test.txt; splits there: train, val"),
        ({"size": (32, 32)}, "expected at least 64x64"),
        ({"architecture": "ssd_big"}, "unknown architecture"),
        ({"architecture": "ssdlite320_mobilenet_v3_large"}, "leave `size` out"),
        ({"weights": "none.pth"}, "no such file"),
    ],
)
def test_mistakes_are_explained_and_leave_no_run(
    shapes: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    values = {**vars(settings(shapes)), **changes}
    with pytest.raises(InputError, match=message):
        quiet_fit(Settings(**values), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_option_of_another_task_is_refused(tmp_path: Path) -> None:
    words = ["train", "ssd_tiny", "--data", tmp_path, "--out", tmp_path / "run"]
    with pytest.raises(InputError, match="--crop does not apply to ssd_tiny, whose task is detect"):
        train_or_eval(*words, "--crop", "64x64")


@pytest.mark.parametrize(
    ("option", "value"), [("--size", "320"), ("--lr", "-1"), ("--workers", "x"), ("--epochs", "0")]
)
def test_options_are_checked(
    option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "ssd_tiny", "--data", tmp_path, "--out", tmp_path / "run", option, value]
    with pytest.raises(SystemExit) as caught:
        train_or_eval(*words)
    assert caught.value.code == 2
    assert re.search(rf"argument (-\w/)?{option}: expected", capsys.readouterr().err)


def test_two_runs_at_once_do_not_share_a_folder(shapes: Path, tmp_path: Path) -> None:
    """Both found the folder free; the second would have mixed its files with those of the first."""
    begun: list[str] = []

    def begin_another(line: str) -> None:
        if line.startswith("epoch 1/"):
            with pytest.raises(InputError, match="run: another run is at work there: wait until"):
                with_hidden_record(line)
            raise KeyboardInterrupt

    def with_hidden_record(line: str) -> None:
        """As if it had looked before the first one wrote its record."""
        (out / "run.json").rename(tmp_path / "record")
        try:
            quiet_fit(settings(shapes), out)
        finally:
            (tmp_path / "record").rename(out / "run.json")
            begun.append(line)

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        fit(settings(shapes), out, device="cpu", workers=0, report=begin_another)
    assert begun
    quiet_fit(settings(shapes, epochs=1), out)  # the folder is free again
    assert [row["epoch"] for row in rows(out)] == ["1"]


class Spell:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("cast",)


def test_resuming_a_run_of_a_stranger_runs_no_code(
    run: Path, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "run")
    state = torch.load("run/last.ckpt", weights_only=True)
    torch.save({**state, "spell": Spell()}, "run/last.ckpt")
    with pytest.raises(InputError, match=r"last\.ckpt: damaged \(UnpicklingError\)"):
        quiet_fit(settings(shapes, epochs=EPOCHS + 1), tmp_path / "run", resume=True)
    assert not Path("cast").exists()
