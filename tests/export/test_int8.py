"""INT8 variants of whole bundles: calibration, the gate, and the commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import edgecv_runtime
from edgecv.cli.main import main
from edgecv.models import registry
from edgecv_export import ExportError, export
from edgecv_export.generated_images import generate_images
from edgecv_export.precision import int8_variant as int8_module
from edgecv_export.precision.accuracy_gate import Gate, GateKeeper, GateReport
from edgecv_export.precision.agreement import agreement
from edgecv_export.precision.calibration_images import hold_out, read_calibration
from edgecv_export.precision.int8_variant import Quantization
from edgecv_export.precision.pipeline import collect_feeds, spread_boxes
from edgecv_export.precision.sources import fp32_files
from edgecv_export.precision.variant import add_variant
from edgecv_runtime import Bundle, InputError
from helpers.all_scores import load_all_scores


@pytest.fixture(scope="module")
def small_images() -> list[np.ndarray]:
    return [image[:200, :180].copy() for image in generate_images(8, seed=1)]


@pytest.fixture(scope="module")
def image_folder(small_images: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for index, image in enumerate(small_images):
        cv2.imwrite(str(folder / f"{index}.png"), image)
    return folder


@pytest.fixture
def bundle(small_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_bundle, tmp_path / "bundle"))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.iterdir() if path.suffix != ".lock")
    return {path.name: path.read_bytes() for path in files}


def loose(images: Any, **more: Any) -> Quantization:
    """For networks with random weights, which magnify every rounding."""
    return Quantization(images, "minmax", gate=Gate(0.5), **more)


def test_both_forms_are_added(bundle: Path, small_images: list[np.ndarray]) -> None:
    before = contents(bundle)
    report = add_variant(bundle, "int8", quantization=loose(small_images))
    after = contents(bundle)
    assert set(after) - set(before) == {"main.int8.onnx", "main.tensorrt.int8.onnx"}
    assert all(after[name] == before[name] for name in before if name != "bundle.json")
    manifest = json.loads(after["bundle.json"])
    kinds = {(graph["precision"], graph["dialect"]) for graph in manifest["graphs"]["main"]}
    assert kinds == {("fp32", "onnx"), ("int8", "onnx"), ("int8", "tensorrt")}
    noted = manifest["provenance"]["variants"]["int8"]
    assert noted == report.notes
    assert noted["calibration"] == {"method": "minmax", "pictures": 8}
    assert noted["gate"]["onnx"]["passed"] and noted["gate"]["tensorrt"]["passed"]
    assert noted["cpu"]

    full = load_all_scores(bundle, engine="onnxruntime")
    int8 = load_all_scores(bundle, engine="onnxruntime", precision="int8")
    pairs = [(full(image), int8(image)) for image in small_images]
    assert agreement("detect", pairs).value == noted["gate"]["onnx"]["int8"]
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    other = load_all_scores(bundle, engine="openvino", precision="int8")
    pairs = [(int8(image), other(image)) for image in small_images]
    assert agreement("detect", pairs).value > 0.9


def test_second_stages_are_calibrated_on_what_the_first_gives(
    mask_bundle: Path, tmp_path: Path, small_images: list[np.ndarray]
) -> None:
    bundle = Bundle.open(str(mask_bundle))
    files = fp32_files(bundle, "onnx")
    feeds = list(collect_feeds(bundle, files, "roi", small_images[:2]))
    backbone = edgecv_runtime.load(mask_bundle, engine="onnxruntime").engines["trunk"]
    (images,) = collect_feeds(bundle, files, "trunk", small_images[:1])
    backbone.bind(0, images["images"])
    backbone.run()
    names = [output.name for output in backbone.outputs]
    first = np.asarray(backbone.output(names.index("features_0")))
    np.testing.assert_array_equal(feeds[0]["features_0"], first)
    assert len(feeds[0]["boxes_0"]) + len(feeds[0]["boxes_1"]) > 5

    copy = Path(shutil.copytree(mask_bundle, tmp_path / "bundle"))
    report = add_variant(copy, "int8", quantization=loose(small_images))
    assert {name.split(".")[0] for name in report.files} == {"trunk", "roi", "mask"}
    model = edgecv_runtime.load(copy, engine="onnxruntime", precision="int8")
    assert sum(len(model(image)) for image in small_images) > 5


def test_graphs_for_tiles_are_calibrated_on_images_of_any_size(
    tmp_path: Path, small_images: list[np.ndarray]
) -> None:
    """Images this small are stylized in one run, which feeds the other graphs nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = registry.create("style_transform", width=4, blocks=1)
    bundle = export(network, tmp_path / "bundle", labels=[], images=small_images).folder
    report = add_variant(bundle, "int8", dialects=["onnx"], quantization=loose(small_images))
    assert {name.split(".")[0] for name in report.files} == {"main", "statistics", "tile"}
    fp32, int8 = (
        edgecv_runtime.load(bundle, engine="onnxruntime", precision=precision)
        for precision in ("fp32", "int8")
    )
    fp32.tiling = int8.tiling = "always"
    pairs = [(fp32(image), int8(image)) for image in small_images]
    assert agreement("stylize", pairs).value > 0.9


class StrictKeeper(GateKeeper):
    """Passes from the second check on, or never."""

    checks = 0
    passes_at = 2

    def check(self, dialect: str, fp32: Any, int8: Any) -> GateReport:
        StrictKeeper.checks += 1
        value = 1.0 if StrictKeeper.checks >= self.passes_at else 0.5
        return GateReport(dialect, "matched detections", 1.0, value, 0.02, "a test")


def test_below_the_gate_nothing_is_written(
    bundle: Path, small_images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(bundle)
    with pytest.raises(ExportError, match=r"INT8 \(dialect onnx\) loses too much") as caught:
        add_variant(
            bundle,
            "int8",
            dialects=["onnx"],
            quantization=Quantization(small_images, "minmax", gate=Gate(-1)),
        )
    assert contents(bundle) == before
    report = caught.value.report
    assert isinstance(report, GateReport) and not report.passed
    lines = report.table().splitlines()
    assert "NOT passed" in lines[0] and lines[1].startswith("most sensitive layers")
    assert len(lines) == 2 + 10 and "weight" in lines[2]
    errors = [entry.error for entry in report.layers]
    assert errors == sorted(errors, reverse=True) and errors[0] > 0


def test_force_writes_it_and_says_so(bundle: Path, small_images: list[np.ndarray]) -> None:
    how = Quantization(small_images, "minmax", gate=Gate(-1), force=True)
    report = add_variant(bundle, "int8", dialects=["onnx"], quantization=how)
    assert (bundle / "main.int8.onnx").is_file()
    noted = report.notes["gate"]["onnx"]
    assert (noted["passed"], noted["forced"]) == (False, True)
    assert "forced" in report.table() and len(noted["most_sensitive_layers"]) == 10


def test_auto_keeps_the_most_sensitive_layers(
    bundle: Path, small_images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_module, "GateKeeper", StrictKeeper)
    monkeypatch.setattr(StrictKeeper, "checks", 0)
    monkeypatch.setattr(StrictKeeper, "passes_at", 3)
    how = Quantization(small_images, "minmax", keep_float="auto")
    report = add_variant(bundle, "int8", dialects=["onnx"], quantization=how)
    kept = report.notes["kept_in_float"]["main.int8.onnx"]
    ranked = [entry.weight for entry in report.gates[0].layers]
    assert kept == ranked[:2]  # one did not do, two did


def test_auto_gives_up_at_half_of_the_layers(
    bundle: Path, small_images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_module, "GateKeeper", StrictKeeper)
    monkeypatch.setattr(StrictKeeper, "checks", 0)
    monkeypatch.setattr(StrictKeeper, "passes_at", 100)
    with pytest.raises(ExportError, match="loses too much"):
        add_variant(
            bundle,
            "int8",
            dialects=["onnx"],
            quantization=Quantization(small_images, "minmax", keep_float="auto"),
        )
    assert StrictKeeper.checks == 1 + 3  # none, then 1, 2 and 4 of 11 layers


def test_mistakes_are_one_line(bundle: Path, small_images: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match="int8 needs images to calibrate on: give `quantization"):
        add_variant(bundle, "int8")
    with pytest.raises(InputError, match="calibration is 'kl'; expected one of minmax, entropy"):
        add_variant(bundle, "int8", quantization=Quantization(small_images, "kl"))
    with pytest.raises(InputError, match="no images are given"):
        add_variant(bundle, "int8", quantization=Quantization([]))
    with pytest.raises(InputError, match="keep-float: no layer is named 'neck'"):
        add_variant(bundle, "int8", quantization=Quantization(small_images, keep_float=["neck"]))


def test_images_of_a_folder(
    image_folder: Path, small_images: list[np.ndarray], tmp_path: Path
) -> None:
    found = read_calibration(image_folder)
    assert len(found) == 8 and np.array_equal(found[3], small_images[3])
    assert [path.name for path in read_calibration(image_folder, most=3).paths] == [
        "0.png",
        "2.png",
        "5.png",
    ]
    assert hold_out(found) == (found, found)
    many = [np.full((1, 1, 3), i, np.uint8) for i in range(16)]
    calibrate_on, compare_on = hold_out(many)
    assert [p[0, 0, 0] for p in compare_on] == [0, 4, 8, 12]
    assert [p[0, 0, 0] for p in calibrate_on] == [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15]

    with pytest.raises(InputError, match="no such folder; expected images to calibrate on"):
        read_calibration(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="empty"):
        read_calibration(empty)
    (empty / "broken.png").write_bytes(b"no image")
    with (
        pytest.warns(UserWarning, match=r"broken\.png.*; it is left out"),
        pytest.raises(InputError, match="none of its 1 images can be read"),
    ):
        read_calibration(empty)
    shutil.copy(image_folder / "1.png", empty / "good.png")
    with pytest.warns(UserWarning, match=r"broken\.png"):
        assert [path.name for path in read_calibration(empty).paths] == ["good.png"]


def test_boxes_for_a_network_that_takes_the_callers() -> None:
    boxes = spread_boxes(100, 200)
    assert boxes[0].tolist() == [0, 0, 200, 100]  # the whole image
    assert boxes.min() == 0 and boxes[:, 2].max() == 200 and boxes[:, 3].max() == 100
    assert len(boxes) == 1 + 9 + 25 + 81


def test_the_command(bundle: Path, image_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["build", str(bundle), "--precision", "int8", "--engine", "onnxruntime"]
    calibrate = ["--calibrate", str(image_folder), "--calibration", "minmax"]
    assert main(base) == 2
    assert "int8 needs images to calibrate on" in capsys.readouterr().err
    assert main([*base, *calibrate, "--gate", "0"]) == 3
    printed = capsys.readouterr()
    assert "NOT passed" in printed.out and "most sensitive layers" in printed.out
    assert printed.err.startswith("edgecv: error: INT8 (dialect onnx) loses too much")
    assert not (bundle / "main.int8.onnx").exists()
    assert main([*base, *calibrate, "--gate", "0.5", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["variant"]["files"] == ["main.int8.onnx"] and record["engines"] == []
    assert main([*base, *calibrate]) == 2
    assert "already (main.int8.onnx): give --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precision", "fp32"], "nothing to build: bundles have fp32 graphs"),
        (["--precision", "fp16", "--force"], "--force is for --precision int8"),
        (["--precision", "int8", "--calibrate", "nowhere"], "--calibrate: nowhere is not a folder"),
        (["--calibrate", ".", "--engine", "openvino"], "--calibrate is for --precision fp16"),
        (["--precision", "int8", "--gate", "7"], "expected a number from 0 to 1"),
    ],
)
def test_mistakes_on_the_command_line(
    arguments: list[str], message: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["build", str(bundle), *arguments])
    except SystemExit as stop:
        status = int(str(stop.code))
    assert status == 2
    error = capsys.readouterr().err.strip()
    assert message in error and len(error.splitlines()) == 1
