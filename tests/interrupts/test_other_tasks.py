"""Training of classifiers, segmentation and style networks, and `edgecv style`, ended at calls of
the file system. They write as detectors do, of which every call is tried: here twelve of each fault
(`make interrupts`), or one."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.training_runs import few_shapes
from interrupts.states import hidden, state_of_run
from interrupts.sweep import Stage, Sweep

LOADED = """
import torch, torchvision, lightning.pytorch, matplotlib.pyplot
import torchvision.transforms.v2, torch._dynamo
import edgecv.training.run.fit, edgecv.training.measures, edgecv.models.registry
import edgecv.cli.output.progress, edgecv.cli.options.files
import edgecv.training.classification.task, edgecv.training.segmentation.task
import edgecv.training.style.task, edgecv.training.style.optimisation
"""


@pytest.fixture
def most(everything: bool) -> int:
    return 12 if everything else 1


@pytest.fixture(scope="module")
def loaded(stage: Stage) -> Stage:
    stage.load(LOADED)
    return stage


@pytest.mark.parametrize(
    ("architecture", "layout", "options"),
    [
        ("mobilenet_v3_small", "classes", ["--size", "32x32"]),
        ("fcn_resnet18", "segments", ["--crop", "32x32"]),
        ("style_transform", "voc", ["--size", "32x32", "--width", 1, "--blocks", 0]),
    ],
)
def test_train(
    architecture: str, layout: str, options: list[object], loaded: Stage, folder: Path, most: int
) -> None:
    """The run that goes on gives what an undisturbed one gives, digit for digit."""
    data, needed = few_shapes(folder / layout, architecture, layout)
    out, undisturbed = folder / "out" / "run", folder / f"undisturbed_{layout}"
    words: list[object] = ["train", architecture, "--data", data, *options, *needed]
    words += ["--epochs", 2, "--batch-size", 2, "--workers", 0, "--device", "cpu", "--out"]
    done = loaded.run([*words, undisturbed])
    assert done.status == 0, done.err

    def following(_: str) -> list[object]:
        begun = (out / "run.json").is_file()
        return [*words, out, *(["--resume"] if begun else [])]

    sweep = Sweep(
        loaded,
        [*words, out],
        lambda: shutil.rmtree(out.parent, ignore_errors=True),
        lambda: state_of_run(out, undisturbed),
        following,
        most=most,
    )
    assert sweep.run() == []
    assert hidden(folder / "out") == []


def test_style(loaded: Stage, folder: Path, most: int) -> None:
    """An older result stays until the new one is whole; so do the images on the way there."""
    out = folder / "out" / "a.png"
    for name, level in (("content", 40), ("style", 200), ("old", 90)):
        assert cv2.imwrite(str(folder / f"{name}.png"), np.full((32, 48, 3), level, np.uint8))
    old = (folder / "old.png").read_bytes()
    words: list[object] = ["style", folder / "content.png", folder / "style.png", "--out", out]
    words += ["--steps", 3, "--every", 1, "--optimizer", "adam", "--weights", "none"]
    words += ["--style-layers", "relu1_1", "--content-layers", "relu1_1", "--device", "cpu"]

    def prepare() -> None:
        shutil.rmtree(out.parent, ignore_errors=True)
        out.parent.mkdir()
        for path in (out, out.with_name("a_1.png")):
            path.write_bytes(old)

    def state() -> str:
        for path in out.parent.glob("a*.png"):
            if cv2.imread(str(path)) is None:
                return f"{path.name} cannot be read"
        return "old" if out.read_bytes() == old else "new"

    sweep = Sweep(loaded, words, prepare, state, most=most)
    assert sweep.run() == []
    assert {path.name for path in out.parent.iterdir()} == {"a.png", "a_1.png", "a_2.png"}
