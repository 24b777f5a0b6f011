"""`edgecv export --engine`: from a checkpoint to engines in one command, or not at all."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from edgecv.cli.main import main
from edgecv.models.weights.checkpoint import Checkpoint, save_checkpoint
from edgecv_export.tensorrt import build as build_module
from edgecv_runtime import Bundle, EngineError
from edgecv_runtime.engines.built.file import read_engines
from helpers.reduced_models import CLASSES, make_ssd_tiny

pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")

RTX = ("--engine", "tensorrt_rtx", "--compute-capability", "8.6,120")


@pytest.fixture(autouse=True)
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    module: Any = make_ssd_tiny()
    arguments = {"num_classes": CLASSES, "size": [64, 96], "width": 4}
    names = [f"class {index}" for index in range(CLASSES - 1)]
    save_checkpoint(
        "best.pt", Checkpoint("ssd_tiny", arguments, names, module.input, module.state_dict())
    )


def export(*options: str) -> int:
    return main(["export", "best.pt", "--out", "out", *options])


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("edgecv: error:")]
    return line


def test_a_checkpoint_becomes_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert export(*RTX, "--precision", "fp16", "--engine-batch", "1,2,4", "--json") == 0
    (record,) = json.loads(capsys.readouterr().out)["engines"]
    (engine,) = read_engines("out")
    assert (engine.role, engine.kind, engine.precision) == ("main", "tensorrt_rtx", "fp16")
    assert engine.compute_capabilities == (86, 120) and engine.gpu is None
    images = engine.profile["images"]
    assert (images.smallest, images.typical, images.largest) == (
        (1, 3, 64, 96),
        (2, 3, 64, 96),
        (4, 3, 64, 96),
    )
    graphs = Bundle.open("out").manifest.graphs["main"]
    assert {graph.precision for graph in graphs} == {"fp32", "fp16"}
    (half,) = (graph for graph in graphs if graph.precision == "fp16")
    assert engine.graph_sha256 == half.sha256
    plan = Path("out", engine.file).read_bytes()
    assert sha256(plan).hexdigest() == engine.sha256 == record["sha256"]
    assert len(plan) == record["bytes"] > 10_000
    assert record["profile"]["images"]["largest"] == [4, 3, 64, 96]


def test_an_engine_that_cannot_be_built_leaves_a_whole_bundle(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise EngineError("TensorRT for RTX parsed the graph but cannot build it")

    monkeypatch.setattr(build_module, "build_plan", refuse)
    assert export(*RTX) == 2
    assert "cannot build it" in error_of(capsys)
    assert {path.name for path in Path("out").iterdir()} == {"bundle.json", "main.onnx"}
    assert Bundle.open("out").manifest.architecture == "ssd_tiny"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "tensorrt_rtx", "--compute-capability", "87"), "compute capability 87"),
        ((*RTX, "--precision", "int8"), "int8 needs images to calibrate on"),
        (("--compute-capability", "86"), "--compute-capability is for --engine tensorrt and"),
        (("--engine-batch", "1,2,4"), "--engine-batch is for --engine tensorrt and"),
        (("--engine", "tensorrt", "--compute-capability", "86"), "tensorrt"),
    ],
)
def test_refused_before_the_work(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(*options) == 2
    assert message in error_of(capsys)
    assert not Path("out").exists()


def test_an_engine_that_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)  # importing it fails
    assert export(*RTX) == 2
    assert "pip install 'edgecv[rtx]'" in error_of(capsys)
    assert not Path("out").exists()
