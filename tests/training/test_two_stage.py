"""Two-stage detectors: what they learn from, what a run leaves, and its evaluation."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from edgecv.data.batches.augmentation import instance_pipeline
from edgecv.data.batches.instances import TrainingInstances, collate_instances
from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.masks import decode_masks
from edgecv.data.synthetic import write_shapes
from edgecv.models import registry
from edgecv.models.architecture.heads import in_head, predicts_masks
from edgecv.models.weights.checkpoint import load_checkpoint, save_checkpoint
from edgecv.models.weights.loading import fit_state_dict
from edgecv.training.detection.metrics import Detected, average_precision
from edgecv.training.detection.recipe import DetectionSettings as Settings
from edgecv.training.detection.task import DetectionTask
from edgecv.training.detection.torch_detector import TorchDetector
from edgecv.training.run.batch_norm import recompute_statistics
from edgecv.training.run.fit import fit
from edgecv.training.run.task import HEAD_FACTOR
from edgecv_export import GraphOptions, export
from edgecv_export.generated_images import generate_images
from edgecv_export.parity.detected import Detected as MatchedDetected
from edgecv_export.parity.matching import match_within
from edgecv_runtime import InputError, Instances, Masks, read_image
from helpers.all_scores import load_all_scores
from helpers.parity_report import read_report
from helpers.training_runs import train_or_eval
from helpers.varied_rcnn import varied_rcnn

ARCHITECTURE = "maskrcnn_mobilenet_v3_large_fpn"
LOSSES = ["loss_classifier", "loss_box_reg", "loss_mask", "loss_objectness", "loss_rpn_box_reg"]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    return write_shapes(folder, train=8, val=3, size=(80, 96), layout="masks")


@pytest.fixture(scope="module")
def run(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "shapes"
    status = train_or_eval(
        "train", ARCHITECTURE, "--data", shapes, "--out", out, "--min-size", 64, "--epochs", 2,
        "--device", "cpu", "--workers", 0,
    )  # fmt: skip
    assert status == 0
    return out


def test_the_losses_fall_on_four_images(shapes: Path) -> None:
    torch.manual_seed(0)
    module = registry.create(ARCHITECTURE, num_classes=2, min_size=64, channels=16)
    records = read_folder(shapes, "train").records[:4]
    images = TrainingInstances(records, instance_pipeline(64, 107), masks=True)
    batch = collate_instances([images[i] for i in range(4)])
    optimizer = torch.optim.AdamW(module.parameters(), 2e-3)
    totals, masks = [], []
    for _ in range(12):
        losses = module([image / 255 for image in batch.images], batch.targets())
        assert sorted(losses) == sorted(LOSSES)
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
        masks.append(float(losses["loss_mask"].detach()))
    assert np.mean(totals[-3:]) < 0.55 * totals[0]
    assert np.mean(masks[-3:]) < 0.4 * masks[0]


def test_norms_and_all_layers_learn() -> None:
    module = registry.create(ARCHITECTURE, num_classes=2)
    assert all(parameter.requires_grad for parameter in module.parameters())
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) > 40


def test_the_input_record_is_the_transform_s() -> None:
    module = registry.create(ARCHITECTURE, num_classes=2, min_size=128)
    assert module.input == {
        "color": "rgb", "size": [128, 128], "resize": "shortest_edge", "max_size": 213,
        "align": "center", "crop": None, "interpolation": "bilinear", "antialias": False,
        "scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        "pad_value": 0.0, "pad_multiple": 32, "dtype": "float32", "layout": "nchw",
    }  # fmt: skip


def test_a_run_leaves_its_files(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {"best.pt", "last.pt", "last.ckpt", "metrics.csv", "curve.png", "run.json"}
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {*LOSSES, "map", "map50", "mask_map", "mask_map50"} <= rows[0].keys()
    sums = [sum(float(row[name]) for name in LOSSES) for row in rows]
    assert sums == pytest.approx([float(row["loss"]) for row in rows], abs=1e-3)
    checkpoint = load_checkpoint(run / "best.pt")
    assert checkpoint.arguments == {"num_classes": 2, "min_size": 64, "max_size": 107}
    assert checkpoint.labels == ["shape"]
    assert checkpoint.input["size"] == [64, 64]
    assert predicts_masks(checkpoint.module())


def test_eval_of_a_checkpoint(run: Path, shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The metrics are those that training saw, and those of torchvision's own outputs."""
    assert train_or_eval("eval", run / "last.pt", "--data", shapes, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    checkpoint = load_checkpoint(run / "last.pt")
    assert result == checkpoint.training["precision"]
    assert (result["images"], result["masks"]["images"]) == (3, 3)

    module = checkpoint.module()
    data = read_folder(shapes, "val")
    detections = []
    for record in data.records:
        rgb = read_image(record.image)[:, :, ::-1].copy()
        with torch.inference_mode():
            output = module([torch.from_numpy(rgb).permute(2, 0, 1).float() / 255])[0]
        assert output["masks"].shape[1:] == (1, *rgb.shape[:2])
        codes = [
            coco_mask.encode(np.asfortranarray((mask > 0.5).astype(np.uint8)))
            for mask in output["masks"][:, 0].numpy()
        ]
        boxes, scores, labels = (output[key].numpy() for key in ("boxes", "scores", "labels"))
        detections.append(Detected(boxes, scores, labels - 1, codes))
    plain = average_precision(data.records, detections, data.labels)
    assert plain.masks is not None
    assert result["map"] == pytest.approx(plain.map, abs=1e-6)
    assert result["masks"]["map"] == pytest.approx(plain.masks.map, abs=1e-6)

    assert train_or_eval("eval", run / "last.pt", "--data", shapes) == 0
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert words[0] == ["boxes", "mAP", "mAP@0.5", "mAP@0.75"]
    assert ["masks", "mAP", "mAP@0.5", "mAP@0.75"] in words


@pytest.fixture(scope="module")
def varied(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's last weights, last layers scaled: eight steps of training find hardly anything, and
    how little is up to the CPU's rounding."""
    checkpoint = load_checkpoint(run / "last.pt")
    images = generate_images(8, seed=1)
    module = varied_rcnn(checkpoint.module, images, background_margin=0.0, size=64)
    path = tmp_path_factory.mktemp("varied") / "varied.pt"
    save_checkpoint(path, dataclasses.replace(checkpoint, state_dict=module.state_dict()))
    return path


@pytest.fixture(scope="module")
def bundle(varied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compared on images of 12 shapes."""
    checkpoint = load_checkpoint(varied)
    return export(
        checkpoint.module(),
        tmp_path_factory.mktemp("bundles") / "shapes",
        labels=checkpoint.labels,
        images=generate_images(12, seed=5),
        graph=GraphOptions(dialects=["onnx"]),
    ).folder


def test_a_bundle_finds_what_its_checkpoint_finds(
    varied: Path, bundle: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = read_report(bundle)
    assert (report.pictures, report.unmatched, report.degenerate) == (12, 0, False)
    assert report.matched > 20 and report.masks > 20
    results = []
    for model in (varied, bundle):
        assert train_or_eval("eval", model, "--data", shapes, "--json") == 0
        results.append(json.loads(capsys.readouterr().out))
    for key in ("map", "map50", "map75"):
        assert results[1][key] == pytest.approx(results[0][key], abs=0.002)
        masks = [result["masks"][key] for result in results]
        assert masks[1] == pytest.approx(masks[0], abs=0.002)


def test_images_of_12_shapes(varied: Path, bundle: Path) -> None:
    folder = Path(os.environ.get("EDGECV_DATA", Path(__file__).parents[2].parent / "shared/data"))
    images: dict[tuple[int, ...], np.ndarray] = {}
    for path in sorted((folder / "pennfudan" / "images").glob("*.jpg")):
        image = read_image(path)
        images.setdefault(image.shape, image)
        if len(images) == 12:
            break
    if len(images) < 12:
        pytest.skip(f"no real images at {folder} (set EDGECV_DATA)")
    checkpoint = load_checkpoint(varied)
    detector = TorchDetector(checkpoint.module(), checkpoint.input)
    model = load_all_scores(bundle)
    found = 0
    for image in images.values():
        expected, result = detector(image), model(image)
        pairs = match_within(
            MatchedDetected(expected.boxes, expected.scores, expected.labels),
            MatchedDetected(result.boxes, result.scores, result.labels), 0.5, 2e-3,
        )  # fmt: skip
        assert not pairs.reference_left and not pairs.other_left
        codes = result.mask_crops.rle()
        for i, j in pairs.pairs:
            code = {"size": codes[j]["size"], "counts": codes[j]["counts"].encode()}
            assert coco_mask.iou([code], [expected.masks[i]], [False])[0, 0] >= 0.99
        found += len(pairs.pairs)
    assert found > 50


def test_eval_of_a_bundle_counts_the_runtime_s_masks(
    shapes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A runtime that finds every object, the first one of each image with half of its mask."""
    records = iter(read_folder(shapes, "val").records)

    class Scripted:
        names = ("shape",)
        manifest = SimpleNamespace(task="instance", provenance="{}")
        precision, engine_name = "fp32", "scripted"
        measuring_threshold = 0.05

        def warmup(self) -> None:
            pass

        def __call__(self, image: np.ndarray) -> Instances:
            record = next(records)
            frames = decode_masks(record.masks or [], image.shape[:2]).astype(bool)
            halved = frames[0].cumsum().reshape(frames[0].shape) <= frames[0].sum() // 2
            frames[0] &= halved
            scores = np.where(np.arange(len(frames)) == 0, 0.2, 0.9).astype(np.float32)
            return Instances(
                record.boxes, scores, record.labels, self.names, Masks.from_frames(frames)
            )

    monkeypatch.setattr("edgecv_runtime.load", lambda *options: Scripted())
    assert train_or_eval("eval", "bundle", "--data", shapes, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["map"] == pytest.approx(1)
    # Precision is 1 up to the recall of the whole masks: the halved ones come last.
    objects = result["masks"]["objects"]
    reached = np.linspace(0, 1, 101) <= (objects - 3) / objects
    assert result["masks"]["map75"] == pytest.approx(reached.mean())


def test_masks_lie_in_pixels_of_the_image() -> None:
    """A module that answers by hand; 0.5 divides object and background."""

    class Fixed(torch.nn.Linear):
        def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            assert [image.shape for image in images] == [(3, 50, 70)]  # resized by the module only
            assert float(images[0][0].mean()) == pytest.approx(200 / 255, abs=1e-6)  # red first
            masks = torch.zeros(1, 1, 50, 70)
            masks[0, 0, 10:20, 30:45] = 0.51
            masks[0, 0, 20:30, 30:45] = 0.49
            return [{
                "boxes": torch.tensor([[30.0, 10, 45, 30]]), "scores": torch.tensor([0.9]),
                "labels": torch.tensor([1]), "masks": masks,
            }]  # fmt: skip

    record = registry.create(ARCHITECTURE, num_classes=2, min_size=64).input
    image = np.zeros((50, 70, 3), np.uint8)
    image[:, :, 2] = 200
    result = TorchDetector(Fixed(1, 1), record)(image)
    assert result.boxes.tolist() == [[30, 10, 45, 30]]
    assert result.labels.tolist() == [0]
    assert result.masks is not None
    expected = np.zeros((1, 50, 70), np.uint8)
    expected[0, 10:20, 30:45] = 1
    np.testing.assert_array_equal(decode_masks(result.masks, (50, 70)), expected)


def test_new_classes_replace_the_predictors_only() -> None:
    torch.manual_seed(0)
    old = registry.create(ARCHITECTURE, num_classes=5, channels=16)
    new = registry.create(ARCHITECTURE, num_classes=2, channels=16)
    with pytest.raises(InputError, match=r"weights for 5 classes .* not for this .* 2"):
        fit_state_dict(new, old.state_dict(), "old.pt")
    note = fit_state_dict(new, old.state_dict(), "old.pt", new_head=True)
    assert note is not None
    assert "5 classes, the data 2 (background included): backbone kept, head new" in note
    weights = old.state_dict()
    replaced = set()
    for name, parameter in new.named_parameters():
        if parameter.shape != weights[name].shape or not torch.equal(parameter, weights[name]):
            replaced.add(name.rsplit(".", 1)[0])
    assert replaced == {
        "roi_heads.box_predictor.cls_score",
        "roi_heads.box_predictor.bbox_pred",
        "roi_heads.mask_predictor.conv5_mask",
        "roi_heads.mask_predictor.mask_fcn_logits",
    }
    # Xavier: uniform within sqrt(6 / (inputs + outputs)), and near that bound somewhere.
    layer = new.roi_heads.box_predictor.cls_score
    bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
    assert 0.9 * bound < float(layer.weight.detach().abs().max()) <= bound
    assert float(layer.bias.detach().abs().max()) == 0


@pytest.mark.parametrize("pretrained", [False, True])
def test_new_predictors_learn_faster(shapes: Path, pretrained: bool) -> None:
    module = registry.create(ARCHITECTURE, num_classes=2, channels=16)
    data = read_folder(shapes, "val")
    task = DetectionTask(module, module.input, data, 1e-4, pretrained)
    rates = {id(p): group["lr"] for group in task.parameter_groups() for p in group["params"]}
    predictors = 0
    for name, parameter in module.named_parameters():
        fast = "_predictor." in name
        assert in_head(module, name) == fast
        factor = HEAD_FACTOR if pretrained and fast else 1
        assert rates[id(parameter)] == pytest.approx(1e-4 * factor)
        predictors += fast
    assert predictors == 8


@pytest.mark.parametrize("pretrained", [False, True])
def test_small_batches_leave_pretrained_statistics_alone(shapes: Path, pretrained: bool) -> None:
    torch.manual_seed(0)
    module = registry.create(ARCHITECTURE, num_classes=2, min_size=64, channels=16)
    images = TrainingInstances(
        read_folder(shapes, "train").records[:2], instance_pipeline(64, 107), masks=True
    )
    batch = collate_instances([images[0], images[1]])
    task = DetectionTask(module, module.input, read_folder(shapes, "val"), 1e-4, pretrained)
    norm = module.backbone.body["0"][1]
    before = norm.running_mean.clone()
    for mode in (False, True):
        task.train(mode)
    task.module([image / 255 for image in batch.images], batch.targets())
    assert torch.equal(norm.running_mean, before) == pretrained
    assert norm.weight.requires_grad


def test_statistics_are_measured_again() -> None:
    """Those of the first norm are mean and variance of what its convolution gives."""
    torch.manual_seed(0)
    module = registry.create(ARCHITECTURE, num_classes=2, min_size=64, channels=16).eval()
    batches = [[torch.rand(3, 64, 96), torch.rand(3, 64, 96)] for _ in range(3)]
    norm = module.backbone.body["0"][1]
    norm.running_mean.fill_(7)
    recompute_statistics(
        module.backbone,
        lambda images: module.backbone(module.transform(images)[0].tensors),
        batches,
    )
    assert (norm.momentum, norm.training, module.training) == (0.1, False, False)
    with torch.no_grad():
        rows = [
            module.backbone.body["0"][0](module.transform(images)[0].tensors).transpose(0, 1)
            for images in batches
        ]  # each [channels, 2, 32, 48]
    means = torch.stack([row.flatten(1).mean(1) for row in rows]).mean(0)
    variances = torch.stack([row.flatten(1).var(1) for row in rows]).mean(0)
    torch.testing.assert_close(norm.running_mean, means, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(norm.running_var, variances, atol=1e-5, rtol=1e-4)


def test_boxes_alone_train_faster_rcnn(shapes: Path, tmp_path: Path) -> None:
    settings = Settings(
        "fasterrcnn_mobilenet_v3_large_320_fpn", str(shapes), min_size=64, epochs=1, batch_size=4
    )
    best = fit(settings, tmp_path / "run", device="cpu", workers=0, report=lambda line: None)
    assert best.keys() == {"epoch", "map", "map50", "seconds"}
    checkpoint = load_checkpoint(tmp_path / "run" / "best.pt")
    assert checkpoint.arguments == {"num_classes": 2, "min_size": 64, "max_size": 128}
    assert (checkpoint.input["size"], checkpoint.input["max_size"]) == ([64, 64], 128)
    with (tmp_path / "run" / "metrics.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert "loss_mask" not in row
    assert float(row["loss_rpn_box_reg"]) > 0


def test_dense_detectors_train_on_boxes(shapes: Path, tmp_path: Path) -> None:
    settings = Settings("retinanet_resnet50_fpn", str(shapes), min_size=64, epochs=1, batch_size=4)
    best = fit(settings, tmp_path / "run", device="cpu", workers=0, report=lambda line: None)
    assert best.keys() == {"epoch", "map", "map50", "seconds"}
    checkpoint = load_checkpoint(tmp_path / "run" / "best.pt")
    assert checkpoint.arguments == {"num_classes": 2, "min_size": 64, "max_size": 107}
    with (tmp_path / "run" / "metrics.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["classification"]) > 0 and float(row["bbox_regression"]) > 0


def test_the_background_that_dense_detectors_score_is_no_object() -> None:
    class Fixed(torch.nn.Linear):
        def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            return [{
                "boxes": torch.tensor([[30.0, 10, 45, 30], [1, 2, 3, 4]]),
                "scores": torch.tensor([0.9, 0.8]), "labels": torch.tensor([0, 2]),
            }]  # fmt: skip

    record = registry.create("retinanet_resnet50_fpn", num_classes=3).input
    result = TorchDetector(Fixed(1, 1), record)(np.zeros((50, 70, 3), np.uint8))
    assert (result.labels.tolist(), result.boxes.tolist()) == ([1], [[1, 2, 3, 4]])


@pytest.mark.parametrize("architecture", ["retinanet_resnet50_fpn", "fcos_resnet50_fpn"])
def test_new_classes_of_dense_detectors_replace_the_logits_only(architecture: str) -> None:
    old = registry.create(architecture, num_classes=5)
    new = registry.create(architecture, num_classes=3)
    fit_state_dict(new, old.state_dict(), "old.pt", new_head=True)
    weights = old.state_dict()
    replaced = {
        name
        for name, value in new.state_dict().items()
        if value.shape != weights[name].shape or not torch.equal(value, weights[name])
    }
    layer = "head.classification_head.cls_logits"
    assert replaced == {f"{layer}.weight", f"{layer}.bias"}
    scores = torch.sigmoid(new.get_submodule(layer).bias)
    torch.testing.assert_close(scores, torch.full_like(scores, 0.01))


def test_losses_of_a_dense_detector_fall(shapes: Path) -> None:
    torch.manual_seed(0)
    module = registry.create("fcos_resnet50_fpn", num_classes=2, min_size=64, max_size=107)
    records = read_folder(shapes, "train").records[:2]
    images = TrainingInstances(records, instance_pipeline(64, 107), masks=False)
    batch = collate_instances([images[i] for i in range(2)])
    optimizer = torch.optim.AdamW(module.parameters(), 1e-3)
    totals = []
    for _ in range(6):
        losses = module([image / 255 for image in batch.images], batch.targets())
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert np.isfinite(totals).all() and totals[-1] < 0.8 * totals[0]


@pytest.mark.parametrize(
    ("layout", "changes", "message"),
    [
        ("voc", {}, "no mask for each object; this model learns masks"),
        (
            "masks",
            {"class_name": "dog"},
            "names its classes: shape; leave `class_name` out",
        ),
        ("masks", {"min_size": 32}, "expected a min_size of 64 or more"),
        ("masks", {"size": (64, 64)}, "has a size of its own; leave `size` out"),
        ("masks", {"batch_size": 32}, "2 training images are fewer than a batch of 32"),
        ("masks", {"architecture": "ssd_tiny"}, "has no shortest side; leave `min_size` out"),
    ],
)
def test_mistakes_are_explained_and_leave_no_run(
    tmp_path: Path, layout: str, changes: dict[str, object], message: str
) -> None:
    folder = write_shapes(tmp_path / "data", train=2, val=1, size=(80, 96), layout=layout)
    values = {"architecture": ARCHITECTURE, "min_size": 64, "batch_size": 2, **changes}
    with pytest.raises(InputError, match=message):
        fit(Settings(data=str(folder), **values), tmp_path / "run", device="cpu", workers=0)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()
