"""Which engine runs a bundle, and why not another."""

import json
import shutil
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import edgecv
from edgecv import BundleError, EngineError
from edgecv_runtime import Bundle, _core
from edgecv_runtime._core import HashedFile
from edgecv_runtime.engines import choice
from edgecv_runtime.engines.choice import Offer, choose
from helpers.tiny_bundle import write_tiny_bundle

WHITE = np.full((64, 96, 3), 255, np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGECV_CACHE", str(tmp_path / "cache"))
    return write_tiny_bundle(tmp_path / "tiny")


def test_without_engines_onnxruntime_runs_on_the_cpu(folder):
    chosen = choose(Bundle.open(folder))
    assert (chosen.engine, chosen.device, chosen.precision) == ("onnxruntime", None, "fp32")
    assert dict(chosen.passed_over)["tensorrt"] == "no engine was built for this bundle"
    assert "without CUDA" in dict(chosen.passed_over)["onnxruntime on cuda"]
    model = edgecv.load(folder)
    assert (model.engine_name, model.device) == ("onnxruntime", "cpu")


@pytest.mark.parametrize("kind", ["tensorrt", "tensorrt_rtx"])
def test_an_engine_that_fits_goes_first(machine, folder, kind):
    expected = edgecv.load(folder, engine="onnxruntime")(WHITE).to_dict()
    machine.install(folder, kind)
    model = edgecv.load(folder)
    assert (model.engine_name, model.device, model.precision) == (kind, "cuda", "fp32")
    assert model(WHITE).to_dict() == expected
    assert edgecv.load(folder, device="cpu").engine_name == "onnxruntime"
    assert edgecv.load(folder, engine="onnxruntime").engine_name == "onnxruntime"


def test_one_that_does_not_fit_is_passed_over_with_a_warning(machine, folder, monkeypatch):
    machine.install(folder, version="10.7.0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nobody expects it to run where there is no GPU
        assert edgecv.load(folder).engine_name == "onnxruntime"
    monkeypatch.setattr(choice, "gpu_count", lambda: 1)
    with pytest.warns(UserWarning, match=r"tensorrt is passed over: .* TensorRT 10\.7\.0, this is"):
        assert edgecv.load(folder).engine_name == "onnxruntime"
    with pytest.raises(EngineError, match=r"TensorRT 10\.7\.0, this is 10\.3\.0: run edgecv build"):
        edgecv.load(folder, engine="tensorrt")


def test_the_command_names_the_zip_and_not_where_it_was_unpacked(machine, folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "tiny"), "zip", folder)
    with pytest.raises(EngineError, match=f"run edgecv build {archive} --engine tensorrt"):
        edgecv.load(archive, engine="tensorrt")


def test_the_precision_is_what_was_built(machine, folder):
    machine.install(folder, precision="fp16")
    with pytest.raises(EngineError, match="its graph has changed since"):
        edgecv.load(folder, engine="tensorrt")  # the bundle has no fp16 graph to compare with
    with pytest.raises(EngineError, match=r"in fp32 \(only tensorrt fp16\)"):
        edgecv.load(folder, engine="tensorrt", precision="fp32")


def test_onnxruntime_takes_the_gpu_where_it_can(folder, monkeypatch):
    fake = SimpleNamespace(get_available_providers=lambda: ["CUDAExecutionProvider"])
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    monkeypatch.setattr(choice, "find_spec", lambda name: name == "onnxruntime")
    monkeypatch.setattr(choice, "gpu_count", lambda: 1)
    assert choose(Bundle.open(folder)).device == "cuda"
    assert choose(Bundle.open(folder), device="cpu").device == "cpu"
    monkeypatch.setattr(choice, "gpu_count", lambda: 0)
    chosen = choose(Bundle.open(folder))
    assert chosen.device is None
    assert dict(chosen.passed_over)["onnxruntime on cuda"] == "the NVIDIA driver offers no GPU"


def test_openvino_comes_after_onnxruntime(folder, monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: name == "openvino" or None)
    assert choose(Bundle.open(folder)).engine == "openvino"
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"no engine is installed: pip install 'edgecv\[cpu\]'"):
        choose(Bundle.open(folder))


def test_info_says_which_engine_and_why_not_another(machine, folder, capsys):
    from edgecv.cli.main import main

    machine.install(folder, version="10.7.0")
    assert main(["info", str(folder)]) == 0
    rows = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines() if line)
    assert rows["runs with"].strip() == "onnxruntime, fp32"
    assert "it is for TensorRT 10.7.0, this is 10.3.0" in rows["not tensorrt"]
    assert rows["engine main"].strip().startswith("tensorrt 10.7.0, fp32, Fake GPU, images 1 to 8")

    machine.install(folder)
    assert main(["info", str(folder)]) == 0
    rows = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines() if line)
    assert rows["runs with"].strip() == "tensorrt, fp32" and "not onnxruntime" not in rows


def test_bf16_that_no_engine_computes(folder, monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: name == "onnxruntime" or None)
    with pytest.raises(EngineError) as caught:
        choose(Bundle.open(folder), precision="bf16")
    assert str(caught.value) == (
        "no engine computes this bundle in bf16: openvino is not installed: "
        "pip install 'edgecv[openvino]'"
    )


GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "choices.json").read_text())


def raising(error):
    def find_files():
        raise error

    return find_files


def golden_offer(record, plan):
    fields = dict(record)
    find_files = None
    if "files" in record:
        files = {"main": HashedFile.open(plan)}
        precision = fields.pop("files")
        find_files = lambda: (precision, files)  # noqa: E731
    if "engine_error" in record:
        find_files = raising(EngineError(fields.pop("engine_error")))
    if "bundle_error" in record:
        find_files = raising(BundleError(fields.pop("bundle_error")))
    reason = fields.pop("why_not", None)
    fields["devices"] = tuple(record.get("devices", ()))
    fields["computes"] = tuple(record.get("computes", {}).items())
    return Offer(**fields, why_not=lambda: reason, find_files=find_files)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["what"])
def test_choices_that_cpp_makes_as_well(case, tmp_path):
    """tests/cpp/load/test_choice.cpp runs the same cases."""
    bundle = shutil.copytree(Path(__file__).parents[1] / "golden" / "bundle_v1", tmp_path / "v1")
    record = json.loads((bundle / "bundle.json").read_text())
    (graph,) = record["graphs"]["main"]
    record["graphs"]["main"] = []
    for precision in case.get("has", ["fp32"]):
        file = f"main.{precision}.onnx"
        record["graphs"]["main"].append({**graph, "precision": precision, "file": file})
        shutil.copy(bundle / "main.onnx", bundle / file)
    (bundle / "bundle.json").write_text(json.dumps(record))
    plan = tmp_path / "main.plan"
    plan.write_bytes(b"a plan")

    offers = [golden_offer(GOLDEN["offers"][name], plan) for name in case["offers"]]
    asked = [case.get(key, "") for key in ("engine", "device", "precision")]
    if "error" in case:
        kind, text = case["error"]
        with pytest.raises(EngineError if kind == "engine" else BundleError) as caught:
            _core.choose(Bundle.open(bundle), *asked, offers)
        assert str(caught.value).replace(str(bundle), "BUNDLE") == text
        return
    engine, device, precision, files, passed_over = _core.choose(
        Bundle.open(bundle), *asked, offers
    )
    assert [engine, device, precision] == case["chosen"]
    assert [list(each) for each in passed_over] == case["passed_over"]
    found = {role: Path(str(file)).name for role, file in files.items()}
    assert found == ({"main": case["files"]} if "files" in case else {})


def test_what_an_offer_raises_is_raised_as_it_is(folder):
    bundle = Bundle.open(folder)
    own = EngineError("of \udcff bytes")
    offer = Offer("a", find_files=raising(own))
    with pytest.raises(EngineError) as caught:
        _core.choose(bundle, "a", "", "", [offer])
    assert caught.value is own
    passed_over = _core.choose(bundle, "", "", "", [offer])[4]
    assert passed_over == [("a", "of \udcff bytes")]
    for error in (KeyboardInterrupt(), ValueError("a fault")):
        with pytest.raises(type(error)):
            _core.choose(bundle, "", "", "", [Offer("a", find_files=raising(error))])
        with pytest.raises(type(error)):
            _core.choose(bundle, "", "", "", [Offer("a", why_not=raising(error))])
