"""Runs that are killed, or find the disk full: what they leave, and that going on is as if nothing
had happened."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from edgecv.cli.main import main
from edgecv.data.synthetic import write_shapes
from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv_runtime import read_image
from helpers.training_runs import few_shapes, metrics_rows

EPOCHS = 3
FILES = ("last.ckpt", "best.pt", "last.pt", "metrics.csv", "curve.png")  # in this order


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"), train=6, val=2, size=(80, 112))


def train(data: Path, out: Path, *words: object, workers: int = 0) -> int:
    return train_any("ssd_tiny", data, out, "--size", "64x64", *words, workers=workers)


def train_any(name: str, data: Path, out: Path, *words: object, workers: int = 0) -> int:
    command = ["train", name, "--data", data, "--out", out, *words]
    command += ["--batch-size", 2, "--device", "cpu", "--workers", workers]
    return main([str(word) for word in command])


@pytest.fixture(scope="module")
def undisturbed(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(shapes, out, "--epochs", EPOCHS) == 0
    return out


def assert_same(out: Path, other: Path) -> None:
    """Every number of both runs, but for the time."""
    assert metrics_rows(out) == metrics_rows(other)
    for name in ("best.pt", "last.pt"):
        one, two = load_checkpoint(out / name), load_checkpoint(other / name)
        assert one.training["epoch"] == two.training["epoch"]
        assert one.state_dict.keys() == two.state_dict.keys()
        for key, value in one.state_dict.items():
            assert torch.equal(value, two.state_dict[key]), (name, key)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in other.iterdir()
    )


def interrupt_at(
    monkeypatch: pytest.MonkeyPatch, name: str, nth: int, error: BaseException
) -> None:
    """The nth time that a file gets its name, `error` comes first."""
    replace = os.replace
    seen: list[str] = []

    def interrupted(source: Any, target: Any) -> None:
        seen.append(Path(target).name)
        if Path(target).name == name and seen.count(name) == nth:
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)


@pytest.mark.parametrize(("name", "epoch"), [("last.pt", 1), *[(name, 2) for name in FILES]])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    name: str,
    epoch: int,
    shapes: Path,
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, name, epoch, KeyboardInterrupt())
        status = train(shapes, out, "--epochs", EPOCHS)
    if status == 0:  # that epoch was not the best
        assert name == "best.pt"
        return
    assert status == 130
    for file in ("best.pt", "last.pt"):
        if (out / file).exists():
            load_checkpoint(out / file)
    assert train(shapes, out, "--epochs", EPOCHS, "--resume") == 0
    assert_same(out, undisturbed)


@pytest.mark.parametrize(
    ("architecture", "layout", "words"),
    [
        ("fcn_resnet18", "segments", ("--crop", "32x32")),
        ("mobilenet_v3_small", "classes", ("--size", "32x32")),
        ("maskrcnn_mobilenet_v3_large_fpn", "masks", ("--min-size", 64)),
        ("style_transform", "voc", ("--size", "32x32", "--width", 1, "--blocks", 0)),
    ],
)
def test_every_task_goes_on_as_if_nothing_had_happened(
    architecture: str,
    layout: str,
    words: tuple[object, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, needed = few_shapes(tmp_path / "data", architecture, layout)
    words += (*needed, "--epochs", 2)
    assert train_any(architecture, folder, tmp_path / "whole", *words) == 0
    with monkeypatch.context() as patch:
        interrupt_at(patch, "last.pt", 1, KeyboardInterrupt())
        assert train_any(architecture, folder, tmp_path / "run", *words) == 130
    assert train_any(architecture, folder, tmp_path / "run", *words, "--resume") == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_a_run_without_a_complete_epoch_begins_with_and_without_resume(
    shapes: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ((), ("--resume",)):
        out = tmp_path / f"run{len(words)}"
        with monkeypatch.context() as patch:
            interrupt_at(patch, "last.ckpt", 1, KeyboardInterrupt())
            assert train(shapes, out, "--epochs", EPOCHS) == 130
        assert [path.name for path in out.iterdir()] == ["run.json"]
        assert train(shapes, out, "--epochs", EPOCHS, *words) == 0
        assert_same(out, undisturbed)


def test_a_run_with_worker_processes_is_the_same(
    shapes: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, "last.ckpt", 2, KeyboardInterrupt())
        assert train(shapes, tmp_path / "run", "--epochs", EPOCHS, workers=2) == 130
    assert train(shapes, tmp_path / "run", "--resume", workers=2) == 0
    assert_same(tmp_path / "run", undisturbed)


@pytest.mark.parametrize("name", [*FILES, "run.json"])
def test_a_full_disk_is_one_line_about_the_runs_own_file(
    name: str,
    shapes: Path,
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, name, 1, OSError(errno.ENOSPC, "No space left on device"))
        assert train(shapes, out, "--epochs", EPOCHS) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"edgecv: error: {out / name}: ") and "No space left on device" in line
    for path in out.iterdir():
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".pt":
            load_checkpoint(path)
        elif path.suffix == ".png":
            read_image(path)
    assert (
        train(shapes, out, "--epochs", EPOCHS, *(["--resume"] if name != "run.json" else [])) == 0
    )
    assert_same(out, undisturbed)


def test_a_damaged_state_is_one_line(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train(shapes, out, "--epochs", 1) == 0
    content = (out / "last.ckpt").read_bytes()
    (out / "last.ckpt").write_bytes(content[: len(content) // 2])
    capsys.readouterr()
    assert train(shapes, out, "--epochs", 2, "--resume") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"edgecv: error: {out / 'last.ckpt'}: damaged (")


def test_what_dead_runs_left_is_cleared(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / ".edgecv-0123456789ab.tmp.json").write_text("{")
    assert train(shapes, out, "--epochs", 1) == 0
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
