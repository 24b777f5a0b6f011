"""edgecv doctor --self-test: what it runs, what it says of wrong results, and its table."""

import io
import json
import lzma
import zipfile

import numpy as np
import pytest

from edgecv.cli.diagnosis import self_test
from edgecv.cli.diagnosis.self_test import (
    ARCHIVE,
    EXPECTED,
    TOLERANCE,
    Outcome,
    Target,
    families,
    open_archive,
    run_self_test,
    sample,
    table,
)
from edgecv.cli.main import main

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
    assert ARCHIVE.stat().st_size < 100_000  # it is part of the wheel


def test_onnxruntime_gives_what_is_stored(only, capsys):
    pytest.importorskip("onnxruntime")
    only(families(), CPU)
    assert main(["doctor", "--self-test", "--json"]) == 0
    outcomes = json.loads(capsys.readouterr().out)["outcomes"]
    assert len(outcomes) == 3 * len(families())
    assert all(each["state"] == "run" for each in outcomes)

    def differences(precision):
        return [each["difference"] for each in outcomes if each["precision"] == precision]

    # Not exact everywhere: other processors round in another order.
    assert max(differences("fp32")) < 1e-5
    assert min(differences("fp16")) > 1e-5
    assert min(differences("int8")) > max(differences("fp16"))
    assert TOLERANCE["int8"] / 4 < max(differences("int8")) < TOLERANCE["int8"]


def test_tensorrt_for_rtx_is_built_without_a_gpu(only):
    pytest.importorskip("tensorrt_rtx")
    only(["fcn", "faster"], Target("tensorrt_rtx", None, runs=False))
    seen = []
    outcomes = run_self_test(seen.append)
    assert seen == outcomes and {each.state for each in outcomes} == {"built, not run"}


@pytest.mark.gpu
def test_every_family_on_the_gpu(capsys):
    assert main(["doctor", "--self-test", "--json"]) == 0
    outcomes = json.loads(capsys.readouterr().out)["outcomes"]
    on_gpu = [each for each in outcomes if each["engine"].endswith("on cuda")]
    assert {each["family"] for each in on_gpu} == set(families())
    assert all(each["state"] == "run" for each in on_gpu)


@pytest.fixture
def altered(monkeypatch, tmp_path):
    """Puts another expected.npz of the family fcn into the archive."""

    def change(alter):
        content = io.BytesIO()
        with open_archive() as archive, zipfile.ZipFile(content, "w") as copy:
            for name in archive.namelist():
                data = archive.read(name)
                if name == f"fcn/{EXPECTED}":
                    with np.load(io.BytesIO(data)) as stored:
                        arrays = {key: alter(key, value) for key, value in stored.items()}
                    changed = io.BytesIO()
                    np.savez(changed, **arrays)
                    data = changed.getvalue()
                copy.writestr(name, data)
        path = tmp_path / "altered.zip.xz"
        path.write_bytes(lzma.compress(content.getvalue(), preset=0))
        monkeypatch.setattr(self_test, "ARCHIVE", path)

    return change


def test_wrong_results_are_found(only, altered, capsys):
    altered(lambda name, value: value * np.float32(1.01) if "/out/" in name else value)
    only(["fcn"], CPU)
    assert main(["doctor", "--self-test"]) == 3
    output = capsys.readouterr().out
    assert "| fcn | onnxruntime | fp32 | wrong | 9.9e-03 |" in output
    assert "- tensorrt: none" in output and output.endswith("3 tests, 1 bad\n")


def test_another_shape_is_found(only, altered):
    altered(lambda name, value: value[::-1] if "/shape/" in name else value)
    only(["fcn"], CPU)
    outcomes = run_self_test(lambda _: None)
    assert {each.state for each in outcomes} == {"failed"}
    assert outcomes[0].detail == "ValueError: logits is (1, 5, 4, 8), expected (8, 4, 5, 1)"


def test_a_sample_is_spread_over_all_values():
    values = np.arange(200, dtype=np.float32).reshape(2, 100)
    assert sample(values[0, :96]).tolist() == list(range(96))
    assert sample(values).tolist() == list(range(0, 200, 3))
    assert sample(np.zeros((0, 4))).size == 0


def test_an_engine_that_fails_is_a_row(only):
    only(["fcn"], Target("onnxruntime", "no such device"))
    (outcome, *_) = run_self_test(lambda _: None)
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
