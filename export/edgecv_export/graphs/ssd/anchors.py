"""Anchors of a torchvision detector as the manifest records them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList


def run_generator(
    generator: torch.nn.Module, size: tuple[int, int], features: list[torch.Tensor]
) -> torch.Tensor:
    """Anchors of one image, float32 [A, 4], xyxy in pixels of an input of ``size`` (h, w)."""
    images = ImageList(torch.zeros(1, 3, *size), [size])
    anchors: torch.Tensor = generator(images, features)[0]
    return anchors.detach().float()


def describe_generator(
    generator: Any, size: tuple[int, int], features: list[torch.Tensor]
) -> tuple[dict[str, Any], np.ndarray | None]:
    """The manifest's ``anchors`` record and, where parameters cannot say it, the anchors.

    A plain DefaultBoxGenerator is recorded by its parameters. Any other generator, a subclass, or
    one changed after it was built is run, and its anchors are to be stored in a file: float32
    [A, 4], xyxy in pixels of the network's input. Whoever writes it adds its name and sha256.
    """
    anchors = run_generator(generator, size, features)
    # Not isinstance: a subclass may do anything.
    if type(generator) is DefaultBoxGenerator:
        levels = len(features)
        record: dict[str, Any] = {
            "kind": "default_boxes",
            "feature_sizes": [[int(side) for side in f.shape[-2:]] for f in features],
            "aspect_ratios": [[float(r) for r in ratios] for ratios in generator.aspect_ratios],
            "scales": [float(scale) for scale in generator.scales],
            "steps": [float(s) for s in generator.steps] if generator.steps is not None else None,
            "clip": bool(generator.clip),
        }
        # torchvision takes spare entries and never reads them.
        for key, count in (("aspect_ratios", levels), ("scales", levels + 1), ("steps", levels)):
            if record[key] is not None:
                record[key] = record[key][:count]
        if _says_the_same(record, generator, size, features, anchors):
            return record, None
    return {"kind": "file", "normalized": False}, anchors.numpy()


def _says_the_same(
    record: dict[str, Any],
    generator: DefaultBoxGenerator,
    size: tuple[int, int],
    features: list[torch.Tensor],
    anchors: torch.Tensor,
) -> bool:
    """Whether the attributes still are what the generator was built from."""
    if len(record["scales"]) != len(features) + 1:
        return False
    rebuilt = DefaultBoxGenerator(
        record["aspect_ratios"], scales=record["scales"], steps=record["steps"], clip=record["clip"]
    )
    return torch.equal(run_generator(rebuilt, size, features), anchors)
