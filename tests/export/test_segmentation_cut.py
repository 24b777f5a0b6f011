"""Segmentation networks: the cut, and the whole runtime against torchvision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import edgecv_runtime
from edgecv.cli.main import main
from edgecv.models import registry
from edgecv.models.weights.checkpoint import Checkpoint, save_checkpoint
from edgecv_export import ExportError, GraphOptions, Tolerance, export
from edgecv_export.graphs.cut import CutRequest
from edgecv_export.graphs.families import cut_model
from edgecv_runtime import InputError
from helpers import small_segmenters as parts
from helpers.varied_classes import varied_classes

LABELS = ["sky", "road", "tree", "car", "person"]
LAST: dict[str, Any] = {
    "make_fcn": lambda m: [m.classifier[-1]],
    "make_deeplab": lambda m: [m.classifier[-1]],
    "make_lraspp": lambda m: [m.classifier.low_classifier, m.classifier.high_classifier],
}


@pytest.fixture(scope="module")
def small(images: list[np.ndarray]) -> list[np.ndarray]:
    """Of six shapes, odd ones among them, no side above 200."""
    return [p[:: max(p.shape) // 160 + 1, :: max(p.shape) // 160 + 1].copy() for p in images[:6]]


@pytest.fixture(scope="module", params=sorted(LAST))
def network(request: Any, images: list[np.ndarray]) -> Any:
    build, last = getattr(parts, request.param), LAST[request.param]
    module = varied_classes(build, last, images[:4], (96, 128))
    module.input = registry.create("fcn_resnet18", num_classes=2).input
    return module


@pytest.fixture(scope="module")
def whole(network: Any, small: list[np.ndarray], tmp_path_factory: Any) -> Any:
    out = tmp_path_factory.mktemp("whole") / "bundle"
    return export(network, out, labels=LABELS, images=[*small, *small[:2]])


def torchvision_logits(network: Any, image: np.ndarray) -> torch.Tensor:
    """[C, H, W] of torchvision's own forward pass."""
    rgb = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        logits: torch.Tensor = network(((rgb - mean[:, None, None]) / std[:, None, None])[None])[
            "out"
        ][0]
    return logits


def test_images_of_any_size_give_torchvision_s_class_maps(
    network: Any, whole: Any, small: list[np.ndarray]
) -> None:
    model = edgecv_runtime.load(whole.folder)
    assert len({image.shape for image in small}) >= 5
    seen, wrong, pixels = set(), 0, 0
    for image in small:
        expected = torchvision_logits(network, image)
        result = model(image, probabilities=True)
        classes = expected.argmax(0).numpy()
        seen |= set(classes.ravel().tolist())
        wrong, pixels = wrong + int((classes != result.mask).sum()), pixels + classes.size
        np.testing.assert_allclose(result.probabilities, expected.softmax(0).numpy(), atol=1e-4)
    assert len(seen) == 5
    assert wrong <= 0.0005 * pixels


def test_report_and_manifest(network: Any, whole: Any) -> None:
    folder, report = whole.folder, whole.report
    assert report.passed and not report.degenerate
    assert (report.pictures, report.classes_seen) == (8, 5)
    assert report.logits_difference < 1e-3 and report.logits_largest > 3
    assert report.agreement >= 0.9995
    record = json.loads((folder / "bundle.json").read_text())
    assert record["task"] == "segment"
    assert (record["input"]["resize"], record["input"]["size"]) == ("none", None)
    assert record["postprocess"] == {
        "method": "segment",
        "scores": {"output": "logits", "function": "softmax"},
        "windows": None,
    }
    assert record["provenance"]["parity"]["agreement"] == report.agreement
    (graph,) = record["graphs"]["main"]
    assert graph["inputs"][0]["shape"] == [None, 3, None, None]
    assert graph["outputs"][0]["shape"] == [None, 5, None, None]
    # Logits at the head's own stride: torchvision's last resize is not in the graph.
    names = [node.op_type for node in onnx.load(folder / "main.onnx").graph.node]
    resizes = {"FCN": 0, "DeepLabV3": 1, "LRASPP": 1}  # those inside the heads
    assert names.count("Resize") == resizes[type(network).__name__]


def test_crops_of_the_course_s_network(
    images: list[np.ndarray], small: list[np.ndarray], tmp_path: Path
) -> None:
    """By default as the module says; against a loop over the crops in torch."""
    module = varied_classes(
        lambda: registry.create("fcn_resnet18", num_classes=5, crop=[64, 96], overlap=0.5),
        lambda m: [m.head.upsample],
        images[:4],
        (64, 96),
    )
    checked = [*small, *small[:2]]
    exported = export(module, tmp_path / "out", labels=LABELS, images=checked)
    folder, report = exported.folder, exported.report
    assert report.passed and report.classes_seen >= 4
    record = json.loads((folder / "bundle.json").read_text())
    windows = record["postprocess"]["windows"]
    assert windows == {"size": [64, 96], "overlap": 0.5, "weight": "uniform", "batch": 4}
    (graph,) = record["graphs"]["main"]
    assert graph["inputs"][0]["shape"] == [None, 3, 64, 96]
    assert graph["outputs"][0]["shape"] == [None, 5, 64, 96]

    image = small[0]
    height, width = image.shape[:2]
    assert height > 64 and width > 96
    rgb = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    tensor = (rgb - mean[:, None, None]) / std[:, None, None]
    total, count = torch.zeros(5, height, width), torch.zeros(height, width)
    for y in sorted({*range(0, height - 64, 32), height - 64}):
        for x in sorted({*range(0, width - 96, 48), width - 96}):
            with torch.inference_mode():
                total[:, y : y + 64, x : x + 96] += module(tensor[None, :, y : y + 64, x : x + 96])[
                    0
                ]
            count[y : y + 64, x : x + 96] += 1
    expected = (total / count).argmax(0).numpy()
    mask = edgecv_runtime.load(folder)(image).mask
    assert (mask != expected).mean() <= 0.0005


def test_asking_for_crops_and_for_whole_images() -> None:
    own = registry.create("fcn_resnet18", num_classes=2, crop=[64, 96])
    from edgecv.models.architecture.windows import WindowOptions

    def windows(module: nn.Module, **request: Any) -> Any:
        cut: Any = cut_model(module, CutRequest(windows=WindowOptions(**request)))
        return cut.windows, cut.size

    assert windows(own)[0]["size"] == [64, 96]
    assert windows(own, whole=True) == (None, None)
    plan, size = windows(own, size=(96, 64), overlap=0.1, weight="gaussian")
    assert plan == {"size": [96, 64], "overlap": 0.1, "weight": "gaussian", "batch": 4}
    assert size == (96, 64)
    reduced = parts.make_fcn()
    reduced.input = own.input
    assert windows(reduced) == (None, None)
    assert windows(reduced, size=(48, 64))[0] == {
        "size": [48, 64],
        "overlap": 0.25,
        "weight": "uniform",
        "batch": 4,
    }
    for request, message in (
        (
            {"whole": True, "size": (64, 64)},
            "whole images have no windows: leave out `WindowOptions.whole`",
        ),
        ({"overlap": 0.5}, "overlap`: this network takes images whole; give `WindowOptions.size`"),
        ({"size": (64, 64), "overlap": 1.0}, "overlap` is 1.0; expected 0 or more and below 1"),
        ({"size": (64, 64), "weight": "round"}, "weight` is 'round'; expected one of uniform"),
    ):
        with pytest.raises(InputError, match=message):
            windows(reduced, **request)
    with pytest.raises(InputError, match="windows are cut from images in their own size"):
        cut_model(own, CutRequest(size=(64, 64)))
    with pytest.raises(InputError, match="is not a segmentation network: leave out crop"):
        cut_model(
            registry.create("ssd_tiny", num_classes=2, size=(64, 64), width=8),
            CutRequest(windows=WindowOptions(size=(64, 64))),
        )


def test_one_size_for_every_image(
    images: list[np.ndarray], small: list[np.ndarray], tmp_path: Path
) -> None:
    module = varied_classes(parts.make_fcn, LAST["make_fcn"], images[:4], (96, 128))
    module.input = registry.create("fcn_resnet18", num_classes=2).input
    checked = [*small, *small[:2]]
    exported = export(
        module,
        tmp_path / "out",
        labels=LABELS,
        images=checked,
        graph=GraphOptions(size=(96, 128), batch=1),
    )
    folder, report = exported.folder, exported.report
    assert report.passed
    (graph,) = json.loads((folder / "bundle.json").read_text())["graphs"]["main"]
    assert graph["inputs"][0]["shape"] == [1, 3, 96, 128]
    assert graph["outputs"][0]["shape"] == [1, 5, 12, 16]


def test_a_stranger_s_module(small: list[np.ndarray], tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = [*small, *small[:2]]
    with pytest.warns(UserWarning, match="Plain has no input record"):
        folder = export(parts.Plain(), tmp_path / "out", labels=LABELS, images=images).folder
    assert edgecv_runtime.load(folder)(small[0]).mask.shape == small[0].shape[:2]


def test_what_the_export_does_not_see_fails_parity(small: list[np.ndarray], tmp_path: Path) -> None:
    from torchvision.models.segmentation.fcn import FCN

    class Turned(FCN):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"out": super().forward(x)["out"].flip(1)}

    torch.manual_seed(0)
    module = parts.make_fcn()
    module.__class__ = Turned
    module.input = registry.create("fcn_resnet18", num_classes=2).input
    images = [*small, *small[:2]]
    with pytest.raises(ExportError, match="pixels have another class") as caught:
        export(module, tmp_path / "out", labels=LABELS, images=images, tolerance=Tolerance())
    assert caught.value.report is not None and "of the same class" in caught.value.report.table()
    assert not (tmp_path / "out").exists()


def test_labels_count_every_class(tmp_path: Path) -> None:
    module = parts.make_fcn()
    module.input = registry.create("fcn_resnet18", num_classes=2).input
    with pytest.raises(InputError, match=r"4 labels are given; the model has 5 classes: give 5"):
        export(module, tmp_path / "out", labels=LABELS[:4])


def test_the_command(
    small: list[np.ndarray], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    for number in range(8):
        cv2.imwrite(f"images/{number}.png", small[number % 2])
    arguments = {"num_classes": 3, "crop": [32, 64]}
    module = registry.create("fcn_resnet18", **arguments)
    labels = ["__background__", "a", "b"]  # a class like any other
    state = module.state_dict()
    save_checkpoint("best.pt", Checkpoint("fcn_resnet18", arguments, labels, module.input, state))
    command = ["export", "best.pt", "--out", "out", "--images", "images"]
    assert main([*command, "--crop", "64x64", "--overlap", "0.5", "--window", "gaussian"]) == 0
    assert "pixels of the same class" in capsys.readouterr().out
    manifest = json.loads(Path("out/bundle.json").read_text())
    assert manifest["labels"] == labels
    assert manifest["postprocess"]["windows"] == {
        "size": [64, 64], "overlap": 0.5, "weight": "gaussian", "batch": 4,
    }  # fmt: skip
    for words, message in (
        (["--whole", "--crop", "64x64"], "whole images have no windows: leave out --whole, or"),
        (["--overlap", "1"], "expected a number from 0 to below 1"),
    ):
        try:
            status = main([*command, "--overwrite", *words])
        except SystemExit as stopped:
            status = stopped.code
        assert status == 2
        assert message in capsys.readouterr().err
