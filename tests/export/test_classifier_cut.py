"""Classifiers: the cut, and the whole runtime against torchvision on float images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

import edgecv_runtime
from edgecv.models import registry
from edgecv_export import ExportError, GraphOptions, export
from edgecv_export.graphs.cut import CutRequest
from edgecv_export.graphs.families import cut_model
from edgecv_runtime import InputError
from helpers.varied_classes import varied_classes

LABELS = [f"class {i}" for i in range(12)]


def make() -> Any:
    return registry.create("resnet18", num_classes=12, size=[64, 64])


@pytest.fixture(scope="module")
def classifier(images: list[np.ndarray]) -> Any:
    return varied_classes(make, lambda m: [m.fc], images, (64, 64))


@pytest.fixture(scope="module")
def exported(classifier: Any, tmp_path_factory: Any) -> Any:
    out = tmp_path_factory.mktemp("classifier") / "bundle"
    return export(classifier, out, labels=LABELS)


def test_the_same_best_classes_as_torchvision(
    classifier: Any, exported: Any, images: list[np.ndarray]
) -> None:
    """The preset of the published weights does the preprocessing, on float images."""
    preset = models.ResNet18_Weights.DEFAULT.transforms(crop_size=64, resize_size=73)
    model = edgecv_runtime.load(exported.folder)
    firsts = set()
    for image, result in zip(images, model(images), strict=True):
        rgb = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            expected = classifier(preset(rgb)[None])[0].softmax(0)
        best = expected.topk(5)
        assert result.labels.tolist() == best.indices.tolist()
        np.testing.assert_allclose(result.scores, best.values, atol=1e-4)
        np.testing.assert_allclose(result.probabilities, expected, atol=1e-4)
        firsts.add(int(result.labels[0]))
    assert len(firsts) > 2


def test_report_and_manifest(exported: Any) -> None:
    folder, report = exported.folder, exported.report
    assert report.passed and not report.degenerate and report.different == 0
    assert report.pictures == 8
    assert report.logits_difference < 1e-3 and report.logits_largest > 2
    record = json.loads((folder / "bundle.json").read_text())
    assert (record["task"], record["labels"]) == ("classify", LABELS)
    assert (record["input"]["size"], record["input"]["crop"]) == ([73, 73], [64, 64])
    assert record["postprocess"] == {
        "method": "classify",
        "scores": {"output": "logits", "function": "softmax"},
        "topk": 5,
    }
    (graph,) = record["graphs"]["main"]
    assert graph["inputs"][0]["shape"] == [None, 3, 64, 64]
    assert graph["outputs"][0]["shape"] == [None, 12]
    assert "same best classes" in report.table()


class Tiny(nn.Module):
    """A stranger's classifier without an input record."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.fc = nn.Linear(4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.body(images).flatten(1))
        return logits


def test_a_stranger_s_module_of_two_classes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with pytest.warns(UserWarning, match="Tiny has no input record"):
        folder = export(
            Tiny(), tmp_path / "out", labels=["cat", "dog"], graph=GraphOptions(batch=2)
        ).folder
    record = json.loads((folder / "bundle.json").read_text())
    assert (record["input"]["crop"], record["postprocess"]["topk"]) == ([224, 224], 2)


@pytest.mark.parametrize(("interpolation", "antialias"), [("bilinear", False), ("bicubic", True)])
def test_its_own_record_is_kept(interpolation: str, antialias: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Tiny()
    record = registry.create("resnet18", num_classes=2).input
    module.input = record | {  # type: ignore[assignment]
        "size": [40, 56], "resize": "stretch", "crop": None, "color": "bgr",
        "interpolation": interpolation, "antialias": antialias,
    }  # fmt: skip
    exported = export(module, tmp_path / "out", labels=["cat", "dog"])
    folder, report = exported.folder, exported.report
    assert report.passed
    kept = json.loads((folder / "bundle.json").read_text())["input"]
    assert (kept["resize"], kept["size"], kept["color"]) == ("stretch", [40, 56], "bgr")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    module = make()
    with pytest.raises(InputError, match="leave out size, or set the module's input"):
        cut_model(module, CutRequest(size=(64, 64)))
    with pytest.raises(InputError, match="3 labels are given; the model has 12 classes: give 12"):
        export(module, tmp_path / "out", labels=["a", "b", "c"])
    module.input = {**module.input, "resize": "letterbox", "crop": None}
    with pytest.raises(InputError, match="expected resize none, stretch or shortest_edge"):
        cut_model(module)
    with pytest.raises(InputError, match=r"cannot export Linear: .*; expected one of"):
        cut_model(nn.Linear(3, 4))


def test_rounding_may_exchange_neighbours_and_nothing_else() -> None:
    from edgecv_export.parity.classifier_report import ClassifierReport

    expected = np.array([3.0, 2.0, 1.99999, -1.0], np.float32)
    report = ClassifierReport()
    report.add(expected, expected + np.float32(1e-5), 0.0, np.array([0, 2, 1]))
    assert (report.same_top, report.excepted, report.different) == (0, 1, 0)
    report.add(expected, expected, 0.0, np.array([0, 1, 2]))
    report.add(expected, expected + np.float32(1e-5), 0.0, np.array([1, 0, 2]))
    report.conclude(4.0)
    assert (report.same_top, report.excepted, report.different) == (1, 1, 1)
    assert not report.passed
    assert "best classes differ for 1 of 3 images" in report.failure()


def test_parity_finds_a_graph_that_differs(
    classifier: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgecv_export.graphs.classifier import to_onnx as part

    class Shifted(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.module(images).roll(1, 1)
            return logits

    def write(network: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return original(Shifted(network), *args, **kwargs)

    original = part.images_to_onnx
    monkeypatch.setattr(part, "images_to_onnx", write)
    with pytest.raises(ExportError, match="best classes differ for 8 of 8 images"):
        export(classifier, tmp_path / "out", labels=LABELS)
    assert not (tmp_path / "out").exists()
