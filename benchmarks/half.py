"""How well FP16 agrees with FP32, for networks that were trained and for random ones.

Small networks of each family are trained on generated shapes, exported and compared on images
that they were not trained on; with ``--random`` the same with seeded random weights. ``weights
alone`` is the control: FP32 all over, but for weights that were rounded to FP16. Where it loses as
much as FP16 does, the network amplifies rounding, and the casts are not at fault. ONNX Runtime on a
processor, FP16 emulated: agreement is measured, no time.

    python benchmarks/half.py [--steps 700] [--families ssd_tiny,faster,...] [--random]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from edgecv.data.detection_folder import read_folder
from edgecv.data.reading.masks import decode_masks
from edgecv.data.synthetic import SHAPES, write_shapes
from edgecv.models import registry
from edgecv_export import ExportError, export
from edgecv_export.precision.agreement import agreement
from edgecv_export.precision.fp16_cost import weights_in_half
from edgecv_export.precision.pipeline import Pipeline
from edgecv_export.precision.sources import fp32_files
from edgecv_export.precision.variant import add_variant
from edgecv_runtime import Bundle, InputError, read_image
from helpers.small_dense import make_fcos, make_retinanet
from helpers.small_rcnn import make_faster, make_mask
from helpers.small_segmenters import make_fcn
from helpers.varied_classes import varied_classes
from helpers.varied_detections import varied_detector
from helpers.varied_rcnn import varied_rcnn

SIZE = (112, 128)
BATCH = 6
Losses = Callable[[Any, Sequence[tuple[Tensor, dict[str, Tensor]]]], Tensor]


def detection_losses(module: Any, batch: Any) -> Tensor:
    images, targets = zip(*batch, strict=True)
    total: Tensor = sum(module(list(images), list(targets)).values())  # type: ignore[assignment]
    return total


def stretched(images: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """[B, 3, h, w], normalised as ImageNet's."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    small = [nn.functional.interpolate(i[None], size, mode="bilinear") for i in images]
    return (torch.cat(small) - mean[:, None, None]) / std[:, None, None]


def class_losses(module: Any, batch: Any) -> Tensor:
    """The class of an image is the shape that covers most of it."""
    images, targets = zip(*batch, strict=True)
    labels = []
    for target in targets:
        area = torch.zeros(len(SHAPES) + 1)
        area.index_add_(0, target["labels"], target["masks"].sum((1, 2)).float())
        labels.append(int(area[1:].argmax()))
    logits = module(stretched(images, (64, 64)))
    return nn.functional.cross_entropy(logits, torch.tensor(labels))


def pixel_losses(module: Any, batch: Any) -> Tensor:
    images, targets = zip(*batch, strict=True)
    maps = []
    for image, target in zip(images, targets, strict=True):
        classes = torch.zeros(image.shape[1:], dtype=torch.int64)
        for mask, label in zip(target["masks"], target["labels"], strict=True):
            classes[mask.bool()] = label
        small = nn.functional.interpolate(classes[None, None].float(), SIZE, mode="nearest")
        maps.append(small[0, 0].long())
    logits = module(stretched(images, SIZE))["out"]
    return nn.functional.cross_entropy(logits, torch.stack(maps))


def make_classifier() -> Any:
    return registry.create("resnet18", num_classes=len(SHAPES), size=[64, 64])


# name: how it is made, its losses, its labels, how it gets random weights that give varied results
FAMILIES: dict[str, tuple[Callable[[], Any], Losses, list[str], Callable[[Any, Any], Any]]] = {
    "ssd_tiny": (
        lambda: registry.create("ssd_tiny", num_classes=4, size=list(SIZE)),
        detection_losses, list(SHAPES), varied_detector,
    ),
    "faster": (make_faster, detection_losses, [*SHAPES, "other"], varied_rcnn),
    "mask": (make_mask, detection_losses, [*SHAPES, "other"], varied_rcnn),
    "retinanet": (lambda: make_retinanet(4), detection_losses, list(SHAPES), varied_detector),
    "fcos": (lambda: make_fcos(4), detection_losses, list(SHAPES), varied_detector),
    "resnet18": (
        make_classifier, class_losses, list(SHAPES),
        lambda build, images: varied_classes(build, lambda m: [m.fc], images, (64, 64)),
    ),
    "fcn": (
        make_fcn, pixel_losses, ["background", *SHAPES, "other"],
        lambda build, images: varied_classes(
            build, lambda m: [m.classifier[-1]], images, SIZE
        ),
    ),
}  # fmt: skip


def trained(build: Callable[[], Any], losses: Losses, items: Sequence[Any], steps: int) -> Any:
    torch.manual_seed(0)
    module = build().train()
    optimizer = torch.optim.AdamW(module.parameters(), 4e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    chosen = np.random.default_rng(0)
    for _ in range(steps):
        picked = chosen.choice(len(items), BATCH, replace=False)
        loss = losses(module, [items[i] for i in picked])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 5)
        optimizer.step()
        schedule.step()
    return module.eval()


def read(folder: Path) -> tuple[list[Any], list[np.ndarray]]:
    """Tensors with targets to train on, and images to compare on."""
    items = []
    for record in read_folder(folder, "train").records:
        image = read_image(record.image)
        masks = decode_masks(record.masks or [], image.shape[:2])
        target = {
            "boxes": torch.from_numpy(record.boxes),
            "labels": torch.from_numpy(record.labels) + 1,
            "masks": torch.from_numpy(masks),
        }
        rgb = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
        items.append((rgb, target))
    return items, [read_image(record.image) for record in read_folder(folder, "val").records]


def measure(module: Any, labels: list[str], images: list[np.ndarray], folder: Path) -> list[str]:
    """What is compared, FP16's agreement and that of rounded weights alone, as text."""
    export(module, folder, labels=labels, images=images, overwrite=True)
    bundle = Bundle.open(str(folder))
    files = fp32_files(bundle, "onnx")
    rounded = {}
    for role, path in files.items():
        rounded[role] = folder / f"{role}.rounded.onnx"
        onnx.save(weights_in_half(onnx.load(path)), rounded[role])
    first, second = Pipeline(bundle, files), Pipeline(bundle, rounded)
    try:
        weights = agreement(bundle.manifest.task, ((first(i), second(i)) for i in images))
    except InputError as error:
        return [str(error), "", ""]
    try:
        notes = add_variant(folder, "fp16", dialects=["onnx"], images=images).notes
        share = notes["onnx"]["agreement"]
    except ExportError as error:
        assert error.report is not None
        share = error.report.to_dict()["fp16"]["value"]
    what = f"{weights.count} {weights.unit}"
    return [what, f"{100 * share:.2f} %", f"{100 * weights.value:.2f} %"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--random", action="store_true", help="seeded random weights instead")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        write_shapes(root / "shapes", train=96, val=16, size=SIZE, layout="coco")
        items, images = read(root / "shapes")
        print("| network | compared | fp16 | weights alone |\n|---|---|---|---|", flush=True)
        for name in args.families.split(","):
            build, losses, labels, enliven = FAMILIES[name]
            module = (
                enliven(build, images) if args.random else trained(build, losses, items, args.steps)
            )
            row = measure(module, labels, images, root / name)
            print(f"| {name} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
