"""Where a run may begin and go on, what it says and records, and how it fares with few images."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from edgecv import __version__
from edgecv.cli.main import main
from edgecv.data.synthetic import write_shapes
from edgecv.training.detection.task import DetectionTask
from edgecv.training.run import folder as run_folder
from edgecv.training.run.loaders import batch_for
from edgecv_runtime import InputError
from helpers.training_runs import few_shapes, metrics_rows

SIZE = ("--size", "64x64")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"), train=6, val=2, size=(80, 112))


def train(data: Path, out: Path, *words: object, architecture: str = "ssd_tiny") -> int:
    running = ("--device", "cpu", "--workers", 0)
    command = ["train", architecture, "--data", data, "--out", out, *running, *words]
    return main([str(word) for word in command])


def error(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = [
        line for line in capsys.readouterr().err.splitlines() if line.startswith("edgecv: error:")
    ]
    return line


def epochs_of(out: Path) -> list[str]:
    return [row["epoch"] for row in metrics_rows(out)]


def test_a_run_that_died_before_its_first_epoch_starts_anew(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:

        def die(*_: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(DetectionTask, "training_step", die)
        assert train(shapes, out, *SIZE, "--epochs", 1) == 130
    assert [path.name for path in out.iterdir()] == ["run.json"]
    assert train(shapes, out, *SIZE, "--epochs", 1) == 0
    assert epochs_of(out) == ["1"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="here --device cuda is right")
def test_a_device_that_is_not_there_leaves_no_folder(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(shapes, tmp_path / "run", *SIZE, "--device", "cuda") == 2
    assert "--device cuda: this torch" in (line := error(capsys))
    assert "use --device cpu" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["photo.jpg", "bundle.json", ".hidden", "best.pt"])
def test_a_folder_of_something_else_is_left_alone(
    name: str, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert train(shapes, tmp_path, *SIZE) == 2
    assert "is not empty and holds no run (no run.json), so it is left alone" in error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_out_is_a_file(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").write_text("mine")
    assert train(shapes, tmp_path / "run", *SIZE) == 2
    assert "is a file; expected a folder for the run" in error(capsys)


@pytest.mark.parametrize("left", ["best.pt", "last.pt", "last.ckpt", "metrics.csv"])
def test_no_file_of_a_run_is_overwritten(left: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    run_folder.check_out(tmp_path, resume=False)
    (tmp_path / left).write_text("")
    goes_on = left == "last.ckpt"
    message = "holds a run; use `resume=True`" if goes_on else r"holds a run without last\.ckpt"
    with pytest.raises(InputError, match=message):
        run_folder.check_out(tmp_path, resume=False)
    if goes_on:
        assert run_folder.check_out(tmp_path, resume=True)
    else:
        with pytest.raises(InputError, match=message):
            run_folder.check_out(tmp_path, resume=True)


def test_a_broken_record(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run.json: broken JSON"):
        run_folder.recorded(tmp_path)


@pytest.fixture(scope="module")
def two_epochs(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(shapes, out, *SIZE, "--batch-size", 2, "--epochs", 2, "--lr", "0.003") == 0
    yield out


def test_the_record_holds_values_in_effect_and_versions(two_epochs: Path) -> None:
    record = json.loads((two_epochs / "run.json").read_text())
    assert (record["architecture"], record["size"]) == ("ssd_tiny", [64, 64])
    assert record["batch_size"] == 2
    assert record["min_size"] is None
    assert record["in_effect"] == {
        "device": "cpu",
        "device_name": None,
        "threads": torch.get_num_threads(),
        "workers": 0,
        "precision": "float32",
        "batch_size": 2,
        "steps_per_epoch": 3,
        "epochs": 2,
        "learning_rate": 0.003,
        "head_learning_rate": 0.003,
        "arguments": {"num_classes": 4, "size": [64, 64]},
        "labels": ["circle", "square", "triangle"],
        "training_images": 6,
        "validation_images": 2,
    }
    versions = record["versions"]
    assert versions["edgecv"] == __version__
    assert versions["torch"] == torch.__version__
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_more_epochs_after_the_end(
    two_epochs: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options that are not said again are those of the run."""
    assert train(shapes, two_epochs, "--resume") == 0
    assert "all 2 epochs are done; --epochs 4 would go on" in capsys.readouterr().out

    assert train(shapes, two_epochs, "--resume", "--epochs", 4) == 0
    printed = capsys.readouterr().out
    assert "2 of 4 epochs are done: going on" in printed
    assert "learning rate 0.003" in printed
    assert epochs_of(two_epochs) == ["1", "2", "3", "4"]
    record = json.loads((two_epochs / "run.json").read_text())
    assert (record["epochs"], record["batch_size"], record["size"]) == (4, 2, [64, 64])
    with (two_epochs / "metrics.csv").open() as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    # Of 12 steps the first is warm-up; the cosine is that of the longer run.
    cosine = [0.01 + 0.99 * (1 + math.cos(math.pi * step / 11)) / 2 for step in (8, 11)]
    assert rates[2:] == pytest.approx([0.003 * value for value in cosine])

    assert train(shapes, two_epochs, "--resume", "--epochs", 3) == 2
    assert "4 epochs are done; to go on give more than 4, got --epochs 3" in error(capsys)
    assert train(shapes, two_epochs, "--resume", "--lr", "0.1") == 2
    assert "cannot resume with other settings: learning_rate was 0.003, is 0.1" in error(capsys)
    assert train(shapes, two_epochs, "--resume", "--class-name", "cell") == 2
    assert "class_name was left out, is cell" in error(capsys)


def test_the_first_lines_say_what_runs(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(shapes, tmp_path / "run", *SIZE, "--epochs", 1) == 0
    printed = capsys.readouterr()
    # After what the readers found.
    fewer, summary, running = printed.out.splitlines()[-5:-2]
    assert fewer == "6 training images: the batch size is 6, not 16"
    assert summary.startswith("ssd_tiny 64x64, weights none; 6 training and 2 validation images; 3")
    threads = torch.get_num_threads()
    assert running == (
        f"device cpu ({threads} thread{'s' * (threads != 1)}), precision float32, batch size 6, "
        "1 epoch of 1 step, learning rate 0.002"
    )
    assert printed.err == ""  # no bar where stderr is no terminal, and no line in so short a time


class Recorder:
    """Stands in for a bar."""

    seen: list[tuple[Any, ...]]

    def __init__(self, *arguments: Any) -> None:
        Recorder.seen.append(arguments)

    def update(self, steps: int = 1, note: str | None = None) -> None:
        Recorder.seen.append(("update", steps, (note or "").partition(" ")[0]))

    def close(self) -> None:
        Recorder.seen.append(("close",))


def test_progress_inside_an_epoch(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgecv.cli.output.progress.Progress", Recorder)
    Recorder.seen = []
    assert train(shapes, tmp_path / "run", *SIZE, "--batch-size", 3, "--epochs", 2) == 0
    assert Recorder.seen == [
        entry
        for epoch in (1, 2)
        for entry in (
            (2, "step", f"epoch {epoch}/2"),
            *[("update", 1, "loss")] * 2,
            ("close",),
            (2, "image", f"epoch {epoch}/2, validation"),
            *[("update", 1, "")] * 2,
            ("close",),
        )
    ]


@pytest.mark.parametrize(
    ("images", "requested", "least", "size", "note"),
    [
        (100, None, 2, 16, None),
        (16, None, 2, 16, None),
        (3, None, 2, 3, "3 training images: the batch size is 3, not 16"),
        (1, None, 2, 2, "1 training image: a batch holds it 2 times, as batch norm needs"),
        (1, 2, 2, 2, "1 training image: a batch holds it 2 times, as batch norm needs"),
        (1, None, 1, 1, "1 training images: the batch size is 1, not 16"),
        (5, 1, 1, 1, None),
        (5, 5, 2, 5, None),
    ],
)
def test_batch_sizes(
    images: int, requested: int | None, least: int, size: int, note: str | None
) -> None:
    assert batch_for(images, requested, 16, least) == (size, note)


@pytest.mark.parametrize(
    ("images", "requested", "least", "message"),
    [
        (5, 1, 2, "batch norm needs at least two; use `batch_size=2`"),
        (5, 6, 1, "5 training images are fewer than a batch of 6; use a smaller `batch_size`"),
    ],
)
def test_batch_sizes_that_do_not_fit(images: int, requested: int, least: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        batch_for(images, requested, 16, least)


@pytest.mark.parametrize(
    ("architecture", "layout", "words"),
    [
        ("ssdlite320_mobilenet_v3_large", "voc", ()),
        ("ssd_tiny", "yolo", SIZE),
        ("fcn_resnet18", "segments", ("--crop", "32x32")),
        ("maskrcnn_mobilenet_v3_large_fpn", "masks", ("--min-size", 64)),
    ],
)
def test_one_image(
    architecture: str,
    layout: str,
    words: tuple[object, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One trains by default; a batch of one is refused where batch norm needs two."""
    folder = write_shapes(tmp_path / "data", train=1, val=1, size=(80, 112), layout=layout)
    kwargs = {"architecture": architecture}
    assert train(folder, tmp_path / "run", *words, "--epochs", 1, **kwargs) == 0
    assert (tmp_path / "run" / "best.pt").is_file()
    if architecture.startswith("maskrcnn"):
        return
    capsys.readouterr()
    assert train(folder, tmp_path / "no", *words, "--batch-size", 1, **kwargs) == 2
    assert "batch norm needs at least two" in error(capsys)


def test_batch_norm_on_one_value_is_one_line(
    shapes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As torch says it of a feature map of one pixel in a batch of one."""
    norm = torch.nn.BatchNorm2d(4)
    monkeypatch.setattr(
        DetectionTask, "training_step", lambda *_: norm(torch.zeros(1, 4, 1, 1)).sum()
    )
    assert train(shapes, tmp_path / "run", *SIZE) == 2
    assert "batch norm got a single value of each channel: a batch of 6 is too small" in error(
        capsys
    )


@pytest.mark.parametrize(
    ("architecture", "layout", "words"),
    [
        ("fcn_resnet18", "segments", ("--crop", "32x32", "--ignore-index", "2,3")),
        ("mobilenet_v3_small", "classes", ("--size", "32x32")),
        ("style_transform", "voc", ("--size", "32x32", "--width", 1, "--blocks", 0)),
    ],
)
def test_every_task_goes_on_for_longer(
    architecture: str,
    layout: str,
    words: tuple[object, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With few images, and without the options being given again."""
    folder, needed = few_shapes(tmp_path / "data", architecture, layout)
    words += needed
    kwargs = {"architecture": architecture}
    assert train(folder, tmp_path / "run", *words, "--epochs", 1, **kwargs) == 0
    assert "the batch size is 6" in capsys.readouterr().out or architecture == "style_transform"
    assert train(folder, tmp_path / "run", "--resume", "--epochs", 2, **kwargs) == 0
    assert epochs_of(tmp_path / "run") == ["1", "2"]
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["epochs"] == record["in_effect"]["epochs"] == 2


def test_too_little_memory_is_one_line(
    shapes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")

    monkeypatch.setattr(DetectionTask, "training_step", fail)
    assert train(shapes, tmp_path / "run", *SIZE, "--batch-size", 3) == 2
    line = error(capsys)
    assert "the GPU's memory is too small for a batch of 3: use a smaller --batch-size" in line
