"""A GPU that an engine does not support: a state of its own, found before anything is built."""

import json
import warnings

import numpy as np
import pytest

import edgecv
from edgecv.cli.diagnosis import self_test
from edgecv.cli.diagnosis.nvidia import tensorrt_finding
from edgecv.cli.main import main
from edgecv_runtime import Bundle, EngineError
from edgecv_runtime.engines import choice
from helpers.tiny_bundle import write_tiny_bundle

SAYS = (
    "not supported on this GPU: TensorRT for RTX 1.7.1 is for compute capabilities 75, 80, 86, 87, "
    "89, 120, 121, Fake GPU has 90: use the engine tensorrt or onnxruntime"
)


@pytest.fixture
def hopper(machine, monkeypatch):
    """A machine whose GPU has compute capability 9.0."""
    machine.cuda.capability = (9, 0)
    for module in ("edgecv_export.tensorrt.build", "edgecv_runtime.engines.tensorrt_modules"):
        monkeypatch.setattr(f"{module}.import_tensorrt", machine.modules.get)
    monkeypatch.setattr("edgecv.cli.diagnosis.nvidia.find_spec", lambda name: True)
    monkeypatch.setattr(choice, "gpu_count", lambda: 1)
    return machine


@pytest.fixture
def folder(tmp_path):
    return write_tiny_bundle(tmp_path / "tiny")


def test_choice_goes_on_without_a_word(hopper, folder):
    hopper.install(folder, "tensorrt_rtx", compute_capabilities=(86, 89, 120), gpu=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = choice.choose(Bundle.open(folder), precision="fp32")
    assert chosen.engine == "onnxruntime"
    assert dict(chosen.passed_over)["tensorrt_rtx"] == SAYS


def test_who_asks_for_it_is_told_and_not_sent_to_build(hopper, folder):
    with pytest.raises(EngineError) as caught:
        edgecv.load(folder, engine="tensorrt_rtx")
    assert str(caught.value) == SAYS


def test_tensorrt_itself_is_asked(hopper, folder):
    hopper.install(folder, "tensorrt", compute_capabilities=(90,))
    model = edgecv.load(folder)
    assert model.engine_name == "tensorrt"
    assert len(model(np.full((32, 48, 3), 255, np.uint8)).scores) > 0


def test_doctor(hopper):
    assert tensorrt_finding("tensorrt_rtx").state == "unsupported"
    assert tensorrt_finding("tensorrt_rtx").detail == SAYS
    assert tensorrt_finding("tensorrt").state == "ok"
    hopper.cuda.capability = (8, 6)
    assert tensorrt_finding("tensorrt_rtx").state == "ok"


def test_the_self_test_leaves_it_out(hopper, monkeypatch, capsys):
    targets, absent = self_test.find_targets()
    assert [target.name for target in targets if "tensorrt" in target.engine] == [
        "tensorrt on cuda"
    ]
    assert f"tensorrt_rtx: {SAYS}" in absent

    monkeypatch.setattr(self_test, "families", lambda: ["fcn"])
    cpu = [target for target in targets if target.name == "onnxruntime"]
    monkeypatch.setattr(self_test, "find_targets", lambda: (cpu, absent))
    assert main(["doctor", "--self-test", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert f"tensorrt_rtx: {SAYS}" in said["absent"]
    assert {outcome["engine"] for outcome in said["outcomes"]} == {"onnxruntime"}


def test_build_stops_before_it_begins(hopper, folder, capsys):
    assert main(["build", str(folder), "--engine", "tensorrt_rtx"]) == 2
    error = capsys.readouterr().err
    assert error.strip() == (
        f"edgecv: error: {SAYS}; for other GPUs name them with --compute-capability"
    )
    assert not (folder / "engines.json").exists()
