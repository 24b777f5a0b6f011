"""edgecv eval of one bundle in several precisions: accuracy and latency side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgecv.cli.evaluation.precisions import Precisions, TimedModel
from edgecv.cli.main import main
from edgecv.data.synthetic import write_shapes
from edgecv_export.precision.variant import add_variant
from helpers.tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")
    manifest = folder / "bundle.json"
    content = json.loads(manifest.read_text())
    content["labels"] = ["circle", "square", "triangle"][:2]
    manifest.write_text(json.dumps(content))
    add_variant(folder, "fp16")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shapes without triangles, which the bundle does not know."""
    folder = write_shapes(tmp_path_factory.mktemp("shapes"), train=1, val=4, layout="coco")
    for path in folder.rglob("instances_*.json"):
        content = json.loads(path.read_text())
        (triangle,) = [c["id"] for c in content["categories"] if c["name"] == "triangle"]
        content["categories"] = [c for c in content["categories"] if c["id"] != triangle]
        kept = [a for a in content["annotations"] if a["category_id"] != triangle]
        path.write_text(json.dumps({**content, "annotations": kept}))
    return folder


def test_side_by_side(bundle: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["eval", str(bundle), "--data", str(data), "--engine", "onnxruntime"]
    assert main([*base, "--precision", "fp32,fp16", "--json"]) == 0
    printed = capsys.readouterr()
    # What was read is said once, and beside the results.
    assert printed.err.count("edgecv: val: 4 images, ") == 1
    rows = json.loads(printed.out)["precisions"]
    assert [(row["precision"], row["engine"], row["measure"]) for row in rows] == [
        ("fp32", "onnxruntime", "mAP"),
        ("fp16", "onnxruntime", "mAP"),
    ]
    assert all(row["median_ms"] > 0 and row["result"]["images"] == 4 for row in rows)
    # One precision alone gives its figures as ever, and the same ones.
    assert main([*base, "--precision", "fp16", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows[1]["result"]
    assert main([*base, "--precision", "fp32,fp16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["precision", "engine", "mAP"] and len(lines) == 3
    assert lines[1].split()[-1] == "1.00x"


def test_a_precision_that_is_not_there(
    bundle: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--precision", "fp32,int8", "--engine", "onnxruntime"]
    assert main(["eval", str(bundle), "--data", str(data), *arguments]) == 2
    assert 'no graph "main" in precision "int8"' in capsys.readouterr().err


def test_options_of_bundles_are_refused_for_checkpoints(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "best.pt"
    checkpoint.touch()
    assert main(["eval", str(checkpoint), "--data", str(data), "--precision", "fp16"]) == 2
    assert "--precision and --threads are for bundles" in capsys.readouterr().err


class Result:
    def __init__(self, value: float) -> None:
        self.headline = ("mIoU", value)

    def to_dict(self) -> dict[str, Any]:
        return {}


class Model:
    def __init__(self, precision: str) -> None:
        self.precision, self.engine_name, self.warm = precision, "openvino", False

    def warmup(self) -> None:
        self.warm = True

    def __call__(self, image: int) -> int:
        assert self.warm, "the first run would count"
        return image + 1


def test_the_table() -> None:
    found = Precisions()
    found.add(Model("fp32"), Result(0.5), 10.0)
    found.add(Model("int8"), Result(0.49), 4.0)
    assert found.table().splitlines()[2].split() == [
        *("int8", "openvino", "0.4900", "-0.0100", "4.00", "2.50x")
    ]


def test_a_timed_model_gives_the_models_results() -> None:
    timed = TimedModel(Model("fp32"))
    assert [timed(1), timed(2)] == [2, 3]
    assert timed.median_ms >= 0
