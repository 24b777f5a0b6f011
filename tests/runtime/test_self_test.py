"""edgecv doctor --self-test: what it runs, what it says of wrong results, and its table."""

import json
import zipfile

import numpy as np
import pytest

from edgecv.cli import self_test
from edgecv.cli.main import main
from edgecv.cli.self_test import FOLDER, Outcome, Target, families, run_self_test, table

CPU = Target("onnxruntime", "cpu")


@pytest.fixture
def only(monkeypatch):
    """Tests a choice of families and engines."""

    def choose(names, *targets):
        monkeypatch.setattr(self_test, "families", lambda: names)
        monkeypatch.setattr(self_test, "find_targets", lambda: (list(targets), ["tensorrt: none"]))

    return choose


def test_every_family_is_there():
    assert {"classifier", "ssd", "ssdlite", "ssd_tiny", "retinanet", "fcos", "faster", "mask"} < {
        *families()
    }
    assert {"fcn", "fcn_resnet18", "deeplab", "lraspp", "style"} < {*families()}
    assert sum(path.stat().st_size for path in FOLDER.glob("*.zip")) < 4 << 20


def test_onnxruntime_gives_what_is_stored(only, capsys):
    pytest.importorskip("onnxruntime")
    only(families(), CPU)
    assert main(["doctor", "--self-test", "--json"]) == 0
    outcomes = json.loads(capsys.readouterr().out)["outcomes"]
    assert len(outcomes) == 2 * len(families())
    assert all(each["state"] == "run" for each in outcomes)
    # Not exact everywhere: other processors round in another order.
    assert max(each["difference"] for each in outcomes if each["precision"] == "fp32") < 1e-5
    assert min(each["difference"] for each in outcomes if each["precision"] == "fp16") > 0


def test_tensorrt_for_rtx_is_built_without_a_gpu(only):
    pytest.importorskip("tensorrt_rtx")
    only(["fcn", "faster"], Target("tensorrt_rtx", None, runs=False))
    seen = []
    outcomes = run_self_test(seen.append)
    assert seen == outcomes and {each.state for each in outcomes} == {"built, not run"}


def test_wrong_results_are_found(only, monkeypatch, tmp_path, capsys):
    with zipfile.ZipFile(FOLDER / "fcn.zip") as zipped:
        zipped.extractall(tmp_path / "fcn")
    path = tmp_path / "fcn" / "expected.npz"
    with np.load(path) as stored:
        arrays = {
            name: value * 1.01 if "/out/" in name else value for name, value in stored.items()
        }
    np.savez(path, **arrays)
    with zipfile.ZipFile(tmp_path / "fcn.zip", "w") as zipped:
        for file in (tmp_path / "fcn").iterdir():
            zipped.write(file, file.name)
    monkeypatch.setattr(self_test, "FOLDER", tmp_path)
    only(["fcn"], CPU)
    assert main(["doctor", "--self-test"]) == 1
    output = capsys.readouterr().out
    assert "| fcn | onnxruntime | fp32 | wrong | 9.9e-03 |" in output
    assert "- tensorrt: none" in output and output.endswith("2 tests, 1 bad\n")


def test_an_engine_that_fails_is_a_row(only):
    only(["fcn"], Target("onnxruntime", "no such device"))
    (outcome, _) = run_self_test(lambda _: None)
    assert outcome.state == "failed" and 'no device "no such device"' in outcome.detail
    assert "\n" not in outcome.detail


def test_without_an_engine_there_is_nothing_to_test(only, capsys):
    only(["fcn"])
    assert main(["doctor", "--self-test"]) == 2


def test_the_table_can_be_pasted():
    text = table([Outcome("fcn", "tensorrt on cuda", "fp16", "run", 0.00123)], ["x: y"], ["gpu: z"])
    lines = text.splitlines()
    assert lines[0].startswith("edgecv ") and lines[2:4] == ["- gpu: z", "- x: y"]
    assert "| fcn | tensorrt on cuda | fp16 | run | 1.2e-03 |" in lines
