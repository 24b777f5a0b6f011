"""Training and evaluation of classifiers and segmentation networks, on generated shapes."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from edgecv.cli.main import main
from edgecv.data.class_folder import read_classes
from edgecv.data.segmentation_folder import read_segmentation
from edgecv.data.synthetic import SHAPES, write_shapes
from edgecv.models import registry
from edgecv.models.weights.checkpoint import load_checkpoint
from edgecv.training.classification.task import AUXILIARY, ClassificationTask
from edgecv.training.segmentation.task import SegmentationTask
from edgecv.training.segmentation.torch_segmenter import TorchSegmenter, window_weight
from edgecv_runtime import InputError, ops, read_image
from helpers.data_sets import write_image

WINDOWED = ("--crop", "64x64", "--batch-size", "4", "--epochs", "2")


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    return write_shapes(folder, train=6, val=3, size=(80, 110), layout="segments")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    return write_shapes(folder, train=12, val=6, size=(80, 110), layout="classes")


def train(*words: object) -> int:
    return main(["train", *map(str, words), "--device", "cpu", "--workers", "0"])


@pytest.fixture(scope="module")
def segmenter(segments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "segments"
    assert train("fcn_resnet18", "--data", segments, "--out", out, *WINDOWED) == 0
    return out


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_segmentation_run(segmenter: Path, segments: Path) -> None:
    names = {path.name for path in segmenter.iterdir()}
    assert names == {"best.pt", "last.pt", "last.ckpt", "metrics.csv", "curve.png", "run.json"}
    table = rows(segmenter)
    assert [row["epoch"] for row in table] == ["1", "2"]
    checkpoint = load_checkpoint(segmenter / "best.pt")
    assert checkpoint.labels == ["background", *SHAPES]
    assert checkpoint.arguments == {"num_classes": 4, "crop": [64, 64]}
    assert checkpoint.module().windows["size"] == [64, 64]
    best = max(table, key=lambda row: float(row["miou"]))
    assert checkpoint.training["epoch"] == int(best["epoch"])
    assert checkpoint.training["overlap"]["miou"] == pytest.approx(float(best["miou"]), abs=1e-5)


def test_eval_gives_what_training_saw(
    segmenter: Path, segments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(segmenter / "last.pt"), "--data", str(segments), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == load_checkpoint(segmenter / "last.pt").training["overlap"]
    # Another plan gives other class maps.
    other = ["eval", str(segmenter / "last.pt"), "--data", str(segments), "--crop", "32x64"]
    assert main([*other, "--overlap", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["miou"] != result["miou"]
    assert main(["eval", str(segmenter / "last.pt"), "--data", str(segments)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "IoU", "mean", "background", *SHAPES, "pixel", "3",
    ]  # fmt: skip


def test_eval_of_a_bundle_counts_the_runtime_s_class_maps(
    segments: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A runtime that is right, but takes squares for circles."""
    masks = iter([entry.labels() for entry in read_segmentation(segments, "val").images])

    class Scripted:
        names = ("background", *SHAPES)
        manifest = SimpleNamespace(task="segment", provenance="")
        precision, engine_name = "fp32", "scripted"

        def warmup(self) -> None:
            pass

        def __call__(self, image: np.ndarray) -> Any:
            mask = next(masks).astype(np.uint8)
            assert mask.shape == image.shape[:2]
            return SimpleNamespace(mask=np.where(mask == 2, 1, mask))

    monkeypatch.setattr("edgecv_runtime.load", lambda *options: Scripted())
    words = ["eval", "bundle", "--data", str(segments), "--json"]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out)["classes"]
    counts = read_segmentation(segments, "val").pixels()
    assert result["background"] == result["triangle"] == 1
    assert result["square"] == 0
    assert result["circle"] == pytest.approx(counts[1] / (counts[1] + counts[2]))
    assert main([*words, "--crop", "64x64"]) == 2
    assert "are for checkpoints of segmentation networks" in capsys.readouterr().err


def test_eval_reads_label_images_as_training_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ignored numbers and given names are the checkpoint's, and of the bundle made of it."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    data = write_shapes(tmp_path / "data", train=4, val=2, size=(80, 110), layout="segments")
    (data / "classes.txt").write_text("a\nb\nc\nvoid\n")  # other names than those given
    (tmp_path / "names.txt").write_text("ground\nround\nangular\n")
    out = tmp_path / "run"
    words = ["fcn_resnet18", "--data", data, "--out", out, *WINDOWED, "--ignore-index", 3]
    assert train(*words, "--labels", tmp_path / "names.txt") == 0
    capsys.readouterr()
    command = ["--data", str(data), "--json"]
    assert main(["eval", str(out / "last.pt"), *command]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == load_checkpoint(out / "last.pt").training["overlap"]
    assert list(result["classes"]) == ["ground", "round", "angular"]
    counts = read_segmentation(data, "val").pixels()
    assert result["pixels"] == counts[:3].sum() < counts.sum()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"  # spinning threads: thrice the CPU time

    assert main(["export", str(out / "last.pt"), "--out", str(tmp_path / "bundle")]) == 0
    capsys.readouterr()
    assert main(["eval", str(tmp_path / "bundle"), *command]) == 0
    of_bundle = json.loads(capsys.readouterr().out)
    assert of_bundle["pixels"] == result["pixels"]
    assert of_bundle["miou"] == pytest.approx(result["miou"], abs=1e-3)
    # What is said counts: 2 is ignored, 3 is a class then, which the model lacks.
    assert main(["eval", str(out / "last.pt"), *command, "--ignore-index", "2"]) == 2
    assert "--ignore-index 3" in capsys.readouterr().err


def test_a_classification_run(
    classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["squeezenet1_1", "--data", classes, "--out", out, "--size", "64x64"]
    assert train(*words, "--batch-size", 4, "--epochs", 2) == 0
    printed = capsys.readouterr().out
    assert "squeezenet1_1 64x64, weights none; 12 training and 6 validation images" in printed
    assert "best: epoch" in printed and "top-1 accuracy" in printed
    assert "top-5" not in printed  # of three classes
    assert "top5" not in rows(out)[0]
    checkpoint = load_checkpoint(out / "last.pt")
    assert checkpoint.labels == sorted(SHAPES)
    assert (checkpoint.input["crop"], checkpoint.input["size"]) == ([64, 64], [73, 73])
    assert main(["eval", str(out / "last.pt"), "--data", str(classes), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == checkpoint.training["accuracy"]
    assert result["images"] == 6
    assert result["top5"] is None
    assert main(["eval", str(out / "last.pt"), "--data", str(classes)]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["top-1"]

    # By torch alone, from the image to the class.
    data = read_classes(classes, "val")
    module = checkpoint.module()
    right = 0
    for image, label in zip(data.images, data.classes, strict=True):
        tensor = torch.from_numpy(read_image(image)[:, :, ::-1].copy()).permute(2, 0, 1) / 255
        from torchvision.transforms import v2

        tensor = v2.functional.center_crop(v2.functional.resize(tensor, [73]), [64, 64])
        mean, std = (torch.tensor(checkpoint.input[k])[:, None, None] for k in ("mean", "std"))
        with torch.inference_mode():
            right += int(module(((tensor - mean) / std)[None]).argmax()) == label
    assert result["top1"] == pytest.approx(right / 6)


def test_fine_tuning_keeps_the_backbone(
    segmenter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_shapes(tmp_path / "data", train=4, val=1, size=(80, 110), layout="segments")
    (folder / "classes.txt").write_text("a\nb\nc\nd\ne\n")
    out = tmp_path / "run"
    words = ["fcn_resnet18", "--data", folder, "--out", out, *WINDOWED]
    assert train(*words, "--weights", segmenter / "best.pt") == 0
    assert "has 4 classes, the data 5: backbone kept, head new" in capsys.readouterr().out
    assert float(rows(out)[0]["learning_rate"]) <= 1e-4


def test_the_loss_counts_labelled_pixels_with_their_weights() -> None:
    class Fixed(nn.Module):
        def __init__(self, logits: torch.Tensor) -> None:
            super().__init__()
            self.logits = nn.Parameter(logits)

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"out": self.logits, "aux": self.logits * 0}

    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, 5)
    truth = torch.randint(-1, 3, (2, 4, 5))
    weights = torch.tensor([1.0, 2.0, 0.5])
    record = registry.create("fcn_resnet18", num_classes=3).input
    lookup = np.zeros(1, np.int32)
    task = SegmentationTask(
        Fixed(logits), record, None, ["a", "b", "c"], [], lookup, weights, 1e-3, False
    )
    seen: dict[str, torch.Tensor] = {}
    task.log = lambda name, value, **_: seen.update({name: value})  # type: ignore[method-assign, assignment]
    total = task.training_step((torch.zeros(2, 3, 4, 5, dtype=torch.uint8), truth), 0)
    log_p = logits.log_softmax(1)
    counted = [
        (-log_p[b, c, y, x] * weights[c], weights[c] * np.log(3))
        for b in range(2) for y in range(4) for x in range(5)
        if (c := int(truth[b, y, x])) >= 0
    ]  # fmt: skip
    pixels, auxiliary = (float(sum(values)) / len(counted) for values in zip(*counted, strict=True))
    assert float(seen["loss_pixels"]) == pytest.approx(pixels, rel=1e-5)
    assert float(seen["loss_auxiliary"]) == pytest.approx(0.5 * auxiliary, rel=1e-5)
    assert float(total) == pytest.approx(pixels + 0.5 * auxiliary, rel=1e-5)


def test_further_classifiers_count_less(classes: Path) -> None:
    module = registry.create("googlenet", num_classes=3, size=[64, 64])
    data = read_classes(classes, "val")
    task = ClassificationTask(module, module.input, data, 1e-3, True)
    seen: dict[str, torch.Tensor] = {}
    task.log = lambda name, value, **_: seen.update({name: value})  # type: ignore[method-assign, assignment]
    outputs: list[Any] = []
    module.register_forward_hook(lambda *call: outputs.append(call[2]))
    images = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    truth = torch.tensor([0, 1, 2, 0])
    task.train().training_step((images, truth), 0)
    first, second, third = (F.cross_entropy(logits, truth) for logits in outputs[0])
    torch.testing.assert_close(seen["loss"], first + AUXILIARY * (second + third))


def test_windows_follow_the_course_literally() -> None:
    """Windows that cover the image; their logits averaged where they overlap."""
    torch.manual_seed(0)
    module = nn.Conv2d(3, 4, 3, stride=2, padding=1)  # gives logits at half the size
    record = registry.create("fcn_resnet18", num_classes=4).input
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    plan = {"size": [32, 48], "overlap": 0.25, "weight": "linear", "batch": 3}
    segmenter = TorchSegmenter(module, record, plan)
    found = segmenter.logits(image)
    tensor = torch.from_numpy(ops.preprocess(image, segmenter.spec))
    total, weights = torch.zeros(4, 50, 70), torch.zeros(50, 70)
    ramp = {n: 1 - np.abs(np.arange(n) - (n - 1) / 2) / ((n + 1) / 2) for n in (32, 48)}
    weight = torch.from_numpy(np.outer(ramp[32], ramp[48])).float()
    with torch.inference_mode():
        for y in (0, 18):
            for x in (0, 22):
                crop = tensor[None, :, y : y + 32, x : x + 48]
                logits = F.interpolate(module(crop), (32, 48), mode="bilinear")[0]
                total[:, y : y + 32, x : x + 48] += weight * logits
                weights[y : y + 32, x : x + 48] += weight
    torch.testing.assert_close(found, total / weights, atol=1e-5, rtol=1e-4)
    assert segmenter(image).shape == (50, 70)
    # Smaller than a crop: padded below and right, and only its own pixels come back.
    assert TorchSegmenter(module, record, {**plan, "size": [64, 96]}).logits(image).shape == (
        4, 50, 70,
    )  # fmt: skip


def test_window_weights() -> None:
    assert torch.equal(window_weight(3, 4, "uniform"), torch.ones(3, 4))
    gaussian = window_weight(16, 8, "gaussian")
    assert float(gaussian[0, 0]) == np.float32(1e-3)  # MONAI's floor
    assert float(gaussian[4, 3]) == pytest.approx(
        np.exp(-0.5 * ((4 - 7.5) / 2) ** 2) * np.exp(-0.5 * ((3 - 3.5) / 1) ** 2)
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--crop", "400x400"], "the crop 400x400 is larger than every training image"),
        (["--batch-size", "1"], "batch norm needs at least two"),
        (["--crop", "50x64"], "expected a crop in multiples of 32, got 50x64"),
        (["--min-size", "64"], "--min-size does not apply to fcn_resnet18, whose task is segment"),
        (["--labels", "two.txt"], "holds class 2; the classes are 0 to 1"),
        (["--weights", "default"], "cannot be downloaded"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_run(
    segments: Path,
    tmp_path: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("torchvision.models.ResNet18_Weights.get_state_dict", offline)
    (tmp_path / "two.txt").write_text("a\nb\n")
    monkeypatch.chdir(tmp_path)
    words = ["--crop", "64x64", "--batch-size", "4", *words]
    assert train("fcn_resnet18", "--data", segments, "--out", tmp_path / "run", *words) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("edgecv: error")]
    assert message in line
    assert not (tmp_path / "run").exists()


def test_images_smaller_than_the_crop_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_shapes(tmp_path / "a", train=4, val=1, size=(80, 110), layout="segments")
    small = write_shapes(tmp_path / "b", train=1, val=1, size=(50, 50), layout="segments")
    for kind in ("images", "masks"):
        path = next((small / "train" / kind).iterdir())
        path.rename(folder / "train" / kind / "small.png")
    words = ["--crop", "64x64", "--batch-size", "2", "--epochs", "1"]
    assert train("fcn_resnet18", "--data", folder, "--out", tmp_path / "run", *words) == 0
    printed = capsys.readouterr().out
    assert "1 training images smaller than the crop are left out" in printed
    assert "4 training and 1 validation images" in printed


def test_class_folders_of_one_class(tmp_path: Path) -> None:
    from edgecv.training.classification.recipe import ClassificationSettings, prepare

    write_image(tmp_path / "train" / "cat" / "1.jpg")
    with pytest.raises(InputError, match="one class, cat; expected at least two"):
        prepare(ClassificationSettings("resnet18", str(tmp_path)), 0)
