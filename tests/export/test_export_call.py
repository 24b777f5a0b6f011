"""What `export` takes and gives: records, and for one release the loose arguments and the path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import edgecv_export
import edgecv_runtime
from edgecv.cli.main import main
from edgecv.models import registry
from edgecv_export import Exported, GraphOptions, Origin, WindowOptions, export
from edgecv_export.graphs import families
from edgecv_export.options import with_loose_arguments
from edgecv_export.source.labels import settle_labels
from edgecv_runtime import InputError

LABELS = ["ant", "bee", "cow", "dog"]


@pytest.fixture(scope="module")
def exported(small_detector: Any, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(
        small_detector,
        tmp_path_factory.mktemp("exported") / "bundle",
        labels=LABELS,
        name="insects",
        origin=Origin("my_detector", {"checkpoint": "mine.pth"}),
        graph=GraphOptions(batch=2),
    )


def test_the_records_arrive_in_the_bundle(exported: Exported) -> None:
    manifest = json.loads((exported.folder / "bundle.json").read_text())
    assert (manifest["name"], manifest["architecture"]) == ("insects", "my_detector")
    assert manifest["provenance"]["checkpoint"] == "mine.pth"
    assert manifest["graphs"]["main"][0]["inputs"][0]["shape"][0] == 2
    assert manifest["provenance"]["parity"] == json.loads(json.dumps(exported.report.to_dict()))
    assert exported.report.passed


def test_what_export_gives_stands_for_its_folder(exported: Exported) -> None:
    assert edgecv_runtime.load(exported).names == LABELS
    assert Path(exported) == exported.folder and str(exported) == str(exported.folder)


def test_the_path_that_export_gave_before(exported: Exported) -> None:
    with pytest.warns(DeprecationWarning, match=r"take its \.folder"):
        assert exported / "bundle.json" == exported.folder / "bundle.json"
    with pytest.warns(DeprecationWarning, match=r"take its \.folder"):
        assert exported.is_dir()
    with pytest.raises(AttributeError, match="Exported has no repotr; it has folder and report"):
        exported.repotr  # noqa: B018


def test_loose_arguments_become_records() -> None:
    records = GraphOptions(), WindowOptions(), Origin()
    loose = {
        "size": (64, 96),
        "batch": 3,
        "input_dtype": "uint8",
        "dialects": ["onnx"],
        "crop": (32, 48),
        "window": "gaussian",
        "whole": False,
        "architecture": "mine",
        "provenance": None,
    }
    with pytest.warns(
        DeprecationWarning, match=r"export\(size, batch, .*=\): loose arguments are removed"
    ):
        graph, windows, origin = with_loose_arguments(records, loose)
    assert graph == GraphOptions((64, 96), "uint8", 3, dialects=["onnx"])
    assert windows == WindowOptions(size=(32, 48), weight="gaussian")
    assert origin == Origin("mine", {})
    with pytest.raises(TypeError, match="unexpected keyword argument 'sise'"):
        with_loose_arguments(records, {"sise": (64, 96)})


def test_the_arguments_of_the_last_release(small_detector: Any, tmp_path: Path) -> None:
    reports: list[Any] = []
    with pytest.warns(DeprecationWarning) as caught:
        result = export(
            small_detector, tmp_path / "old", labels=LABELS, batch=2, take_report=reports.append
        )
    said = {str(each.message).split(":")[0] for each in caught}
    assert {"export(batch=)", "export(take_report=) is removed in the next release"} <= said
    assert reports == [result.report]
    manifest = json.loads((result.folder / "bundle.json").read_text())
    assert manifest["graphs"]["main"][0]["inputs"][0]["shape"][0] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch is 0; expected 'dynamic' or a number of at least 1"),
        ({"dialects": ["tensorrt"]}, "dialects are tensorrt; expected onnx"),
        ({"input_dtype": "int8"}, "input_dtype is 'int8'; expected float32 or uint8"),
    ],
)
def test_records_refuse_what_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GraphOptions(**options)


def test_labels() -> None:
    assert settle_labels(None, "detect", 2) == ["class_1", "class_2"]
    assert settle_labels(None, "segment", 2) == ["class_0", "class_1"]
    with_background = ["__background__", "ant", "bee"]
    assert settle_labels(with_background, "instance", 2) == ["ant", "bee"]
    assert settle_labels(with_background, "segment", 3) == with_background
    assert settle_labels(["ant"], "classify", 2, one_score=True) == ["background", "ant"]
    with pytest.raises(
        InputError, match=r"3 labels are given; the model has 4 classes \(and the b"
    ):
        settle_labels(["ant", "bee", "cow"], "detect", 4)


def test_the_command_line_cuts_a_model_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cuts = []
    original = families.cut_model

    def counted(*arguments: Any) -> Any:
        cuts.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(families, "cut_model", counted)
    module = registry.create("ssd_tiny", num_classes=3, size=(64, 64), width=8)
    monkeypatch.setattr("edgecv.models.registry.create", lambda *_, **__: module)
    options = ("--weights", "none", "--num-classes", "3", "--out", tmp_path / "out")
    assert main(["export", "ssd_tiny", *map(str, options)]) == 0
    assert len(cuts) == 1
    assert "the classes have no names, so they are numbered" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "bundle.json").read_text())["labels"] == [
        "class_1",
        "class_2",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("engines.variants", "precision.variant"),
        ("engines.calibration", "precision.calibration"),
        ("engines.tensorrt", "tensorrt.plan"),
        ("pictures", "generated_images"),
    ],
)
def test_old_names_of_modules(old: str, new: str) -> None:
    code = (
        "import importlib, sys, warnings\n"
        "warnings.simplefilter('always')\n"
        "old, new = (importlib.import_module('edgecv_export.' + name) for name in sys.argv[1:])\n"
        "assert old is new, (old, new)"
    )
    done = subprocess.run([sys.executable, "-c", code, old, new], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    moved = f"edgecv_export.{old} has moved to edgecv_export.{new}; the old name works until 0.2"
    assert moved in done.stderr


def test_the_face_of_the_package() -> None:
    assert all(hasattr(edgecv_export, name) for name in edgecv_export.__all__)
