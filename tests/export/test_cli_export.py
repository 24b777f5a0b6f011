"""The command, from what lies on disk to exit status and text."""

from __future__ import annotations

import json
import pickle
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import edgecv_runtime
from edgecv.cli.main import main
from edgecv.data.reading.names_file import read_names
from edgecv.models import registry
from edgecv.models.weights.checkpoint import Checkpoint, save_checkpoint
from edgecv_export.source.labels import BACKGROUND
from edgecv_export.source.loading import load_source

HERE = Path(__file__).parent
ARGUMENTS = {"num_classes": 4, "size": [64, 96], "width": 8}


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tiny() -> Any:
    torch.manual_seed(0)
    return registry.create("ssd_tiny", **ARGUMENTS)


@pytest.fixture
def factory_module(small_detector: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's module in the current directory, and weights made for it."""
    shutil.copy(HERE.parent / "helpers" / "small_ssd.py", tmp_path / "users_model.py")
    torch.save(small_detector.state_dict(), "mine.pth")
    Path("names.txt").write_text("ant\nbee\ncow\ndog\n")
    monkeypatch.delitem(__import__("sys").modules, "users_model", raising=False)
    return "users_model:make_detector"


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = [
        line for line in capsys.readouterr().err.splitlines() if line.startswith("edgecv: error:")
    ]
    return line


def test_checkpoint(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = Checkpoint("ssd_tiny", ARGUMENTS, ["x", "y", "z"], tiny.input, tiny.state_dict())
    save_checkpoint("best.pt", checkpoint)
    assert main(["export", "best.pt", "--out", "out", "--name", "cells"]) == 0
    printed = capsys.readouterr()
    assert "matched one to one" in printed.out
    assert "bundle written to out" in printed.out
    manifest = edgecv_runtime.Bundle.open("out").manifest
    assert (manifest.name, manifest.architecture) == ("cells", "ssd_tiny")
    assert manifest.labels == ["x", "y", "z"]
    assert json.loads(manifest.provenance)["checkpoint"] == {
        "file": "best.pt",
        "sha256": sha256(Path("best.pt").read_bytes()).hexdigest(),
    }


def test_factory_with_weights_labels_and_json(
    factory_module: str, small_detector: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "export", factory_module, "--weights", "mine.pth", "--labels", "names.txt", "--out", "own",
        "--num-classes", "5", "--batch", "2", "--json",
    ]  # fmt: skip
    assert main(command) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["bundle"] == "own"
    assert printed["parity"]["passed"]
    assert printed["parity"]["matched"] > 100
    manifest = edgecv_runtime.Bundle.open("own").manifest
    assert manifest.labels == ["ant", "bee", "cow", "dog"]
    assert manifest.graphs["main"][0].inputs[0].shape == (2, 3, 96, 160)
    assert json.loads(manifest.provenance)["factory"] == factory_module

    assert main([*command[:-1]]) == 2
    assert "own holds a bundle already: give --overwrite to replace it" in error_line(capsys)


@pytest.mark.parametrize("extra", [["--json"], []])
def test_what_a_users_module_prints_is_no_result(
    extra: list[str], factory_module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """While it is imported, made and run."""
    with Path("users_model.py").open("a") as module:
        module.write(
            "\n\nprint('printed on import')\n\n\n"
            "def chatty(num_classes):\n"
            "    print('printed when made')\n"
            "    network = make_detector(num_classes)\n"
            "    network.register_forward_pre_hook(lambda *_: print('printed when run'))\n"
            "    return network\n"
        )
    command = ["export", "users_model:chatty", "--weights", "mine.pth", "--out", "own"]
    assert main([*command, "--labels", "names.txt", "--num-classes", "5", *extra]) == 0
    printed = capsys.readouterr()
    assert "printed" not in printed.out
    for when in ("on import", "when made", "when run"):
        assert f"printed {when}" in printed.err
    if extra:
        assert json.loads(printed.out)["bundle"] == "own"


def test_failed_parity(
    factory_module: str,
    small_bundle: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(small_bundle, "own")
    before = Path("own/bundle.json").read_bytes()
    with open("users_model.py", "a") as file:
        file.write(
            "\n\nclass Doubling(SSD):\n"
            "    def postprocess_detections(self, *args):\n"
            "        found = super().postprocess_detections(*args)\n"
            "        return [{**f, 'scores': f['scores'] / 2} for f in found]\n"
            "\n\ndef make_other():\n"
            "    detector = make_detector()\n"
            "    detector.__class__ = Doubling\n"
            "    return detector\n"
        )
    command = ["export", "users_model:make_other", "--weights", "mine.pth", "--out", "own"]
    assert main([*command, "--labels", "names.txt", "--overwrite"]) == 3
    printed = capsys.readouterr()
    assert "largest score difference" in printed.out
    assert "so it was not written" in printed.err
    assert Path("own/bundle.json").read_bytes() == before
    assert sorted(p.name for p in Path().iterdir() if p.name.startswith(".")) == []


def test_bare_weights_of_another_class_count(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(registry.create("ssd_tiny", num_classes=4).state_dict(), "four.pth")
    command = ["export", "ssd_tiny", "--weights", "four.pth", "--out", "out"]
    assert main([*command, "--num-classes", "7"]) == 2
    line = error_line(capsys)
    assert "4 classes" in line
    assert "7" in line
    assert not Path("out").exists()


def test_class_count_is_inferred_from_bare_weights() -> None:
    state = registry.create("ssd_tiny", num_classes=6).state_dict()
    torch.save(state, "six.pth")
    source = load_source("ssd_tiny", "six.pth")
    assert source.module.num_classes == 6
    assert source.labels is None
    key = next(iter(state))
    torch.testing.assert_close(source.module.state_dict()[key], state[key])


def test_coco_names_for_91_classes() -> None:
    source = load_source("ssdlite320_mobilenet_v3_large", "none", 91)
    assert source.labels is not None
    assert len(source.labels) == 90
    assert (source.labels[0], source.labels[16], source.labels[89]) == (
        "person", "cat", "toothbrush",
    )  # fmt: skip
    assert "COCO" in source.notes[0]


class Evil:
    def __reduce__(self) -> Any:
        return Path("was_run").touch, ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.pt"], "nothing.pt: no such checkpoint or architecture; expected a file"),
        (["ssd_tiny"], "ssd_tiny needs weights: give --weights FILE"),
        (["ssd_tiny", "--weights", "none"], "needs --num-classes, the background included"),
        (["ssd_tiny", "--weights", "no.pth"], "no.pth: no such file"),
        (["bare.pth"], "need the architecture's name"),
        (["evil.pt"], "evil.pt: is a pickle of Python, which could run anything"),
        (["bare.pth", "--weights", "bare.pth"], "bare.pth is a checkpoint, which has its weights"),
        (
            ["ssdlite320_mobilenet_v3_large", "--weights", "bare.pth"],
            "ssdlite320_mobilenet_v3_large",
        ),
        (["no_module:make"], "no_module:make: no module 'no_module'"),
        (["users_model:nothing"], "users_model has no 'nothing'"),
        (["users_model:not_callable"], "users_model:not_callable is not callable"),
        (["users_model:make_detector", "--weights", "default"], "has no published weights"),
        (["users_model:make_detector", "--weights", "bare.pth"], "does not fit users_model:"),
        (["users_model:make_seeded", "--num-classes", "3"], "cannot be called with"),
        (
            ["users_model:make_detector", "--num-classes", "3", "--weights", "mine.pth"],
            "head.classification_head.module_list.0.weight is [20, 16, 3, 3], the model's is "
            "[12, 16, 3, 3]; another class count?",
        ),
        (
            ["users_model:make_detector", "--labels", "gaps.txt"],
            "gaps.txt: line 2 is empty; expected one name",
        ),
        (["users_model:make_detector", "--labels", "names3.txt"], "3 labels are given; the model"),
        (["users_model:make_detector", "--batch", "0"], "expected a whole number above 0"),
        (["users_model:make_detector", "--images", "."], "no image"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    factory_module: str,
    tiny: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch.save(tiny.state_dict(), "bare.pth")
    Path("evil.pt").write_bytes(pickle.dumps({"format": Evil()}))
    Path("gaps.txt").write_text("a\n\nb\n")
    Path("names3.txt").write_text("a\nb\nc\n")
    try:
        status = main(["export", *arguments, "--out", "out"])
    except SystemExit as stopped:  # argparse's own
        status = stopped.code
    assert status == 2
    assert message in error_line(capsys)
    assert not Path("out").exists()
    assert not Path("was_run").exists()


def test_given_images_are_used(
    factory_module: str, images: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    Path("images").mkdir()
    for number in range(34):
        cv2.imwrite(f"images/{number}.png", images[7])
    command = ["export", factory_module, "--weights", "mine.pth", "--images", "images"]
    assert main([*command, "--out", "out", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["parity"]["pictures"] == 32
    assert "32 of 34 images are used" in printed.err
    assert "so they are numbered" in printed.err
    assert edgecv_runtime.Bundle.open("out").manifest.labels == [
        "class_1", "class_2", "class_3", "class_4",
    ]  # fmt: skip


def test_labels_file(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("__background__\n person \nblue car\n\n", encoding="utf-8-sig")
    assert read_names(file) == [BACKGROUND, "person", "blue car"]
    file.write_bytes(b"caf\xe9\n")  # Latin 1, as older editors save it
    assert read_names(file) == ["caf\xe9"]
