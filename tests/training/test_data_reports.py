"""What training says about its data, and how it fails on files that break later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecv.data.synthetic import SHAPES, draw_shapes, write_shapes
from edgecv.training.run.loaders import training_loader, validation_loader
from edgecv.training.run.settings import recipe_of
from edgecv_runtime import InputError

NETWORKS = {
    "voc": "ssd_tiny",
    "coco": "ssd_tiny",
    "yolo": "ssd_tiny",
    "masks": "ssd_tiny",
    "segments": "fcn_resnet18",
    "classes": "resnet18",
}


def prepare(layout: str, data: Path) -> Any:
    recipe = recipe_of(NETWORKS[layout])
    return recipe.prepare(recipe.SETTINGS(NETWORKS[layout], str(data), batch_size=2), 0)


def expected_line(layout: str, split: str) -> str:
    """From what the writer draws: it makes 4 training and then 2 validation images."""
    generator = np.random.default_rng(0)
    samples = [draw_shapes(generator, (96, 128)) for _ in range(6)]
    drawn = samples[:4] if split == "train" else samples[4:]
    labels = [SHAPES[label] for _, _, own in drawn for label in own]
    images = f"{split}: {len(drawn)} images"
    if layout == "masks":
        return f"{images}, {len(labels)} objects (shape {len(labels)})"
    if layout == "segments":
        return f"{images}; pixels: background "
    if layout == "classes":
        labels = [SHAPES[own[0]] for _, _, own in drawn]
    each = ", ".join(f"{name} {labels.count(name)}" for name in SHAPES if name in labels)
    return (
        f"{images}: {each}" if layout == "classes" else f"{images}, {len(labels)} objects ({each})"
    )


def first(lines: list[str], split: str) -> str:
    return next(line for line in lines if line.startswith(f"{split}: "))


@pytest.mark.parametrize("layout", NETWORKS)
def test_training_says_what_it_found(tmp_path: Path, layout: str) -> None:
    write_shapes(tmp_path, train=4, val=2, size=(96, 128), seed=0, layout=layout)
    notes = prepare(layout, tmp_path).notes
    for split in ("train", "val"):
        line = first(notes, split)
        if layout == "segments":
            line = line[: len(expected_line(layout, split))]
        assert line == expected_line(layout, split)


def test_the_file_of_a_yolo_data_set(tmp_path: Path) -> None:
    write_shapes(tmp_path, train=4, val=2, size=(96, 128), seed=0, layout="yolo")
    (tmp_path / "data.yaml").rename(tmp_path / "shapes.yaml")
    run = prepare("yolo", tmp_path / "shapes.yaml")
    assert first(run.notes, "train") == expected_line("yolo", "train")


def test_nothing_to_learn_is_an_error(tmp_path: Path) -> None:
    write_shapes(tmp_path, train=3, val=2, size=(96, 128), layout="yolo")
    for path in (tmp_path / "labels" / "train").iterdir():
        path.write_text("", encoding="utf-8")
    message = r"no objects in the 3 images of the split 'train'; labels .*labels/train/.*empty"
    with pytest.raises(InputError, match=message):
        prepare("yolo", tmp_path)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("loader", ["training", "validation"])
def test_an_image_that_breaks_in_a_worker_is_one_line(
    tmp_path: Path, workers: int, loader: str
) -> None:
    write_shapes(tmp_path, train=1, val=0, size=(96, 128), layout="classes")
    (image,) = tmp_path.rglob("*.png")
    image.write_bytes(image.read_bytes()[:200])

    def read(path: Path) -> Any:
        return validation_loader([path], workers) if loader == "validation" else None

    items: Any = read(image)
    if items is None:
        from edgecv.data.batches.augmentation import classification_pipeline
        from edgecv.data.batches.class_images import ClassImages
        from edgecv.data.class_folder import ClassificationData

        data = ClassificationData(["a"], [image], [0])
        items = training_loader(
            ClassImages(data, classification_pipeline((32, 32))), 1, None, workers
        )
    with pytest.raises(InputError) as caught:
        next(iter(items))
    assert str(caught.value) == (
        f"{image}: the image is truncated or broken: copy or download it again"
    )
