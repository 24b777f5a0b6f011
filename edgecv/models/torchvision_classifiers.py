"""Every classifier of torchvision, with the input record of its published weights."""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision import models

from .architecture.catalogue import CATALOGUE
from .architecture.input_record import InputRecord, centre_record
from .architecture.record import Architecture, published_by_torchvision
from .registry import register

# Networks that learn with more classifiers than they answer with.
_EXTRA_CLASSIFIERS = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


def _architecture(name: str) -> Architecture:
    weights: Any = models.get_model_weights(name).DEFAULT
    torchvisions = models.get_model_builder(name)

    def build(num_classes: int, size: list[int] | None = None, **arguments: Any) -> nn.Module:
        """`size`: height and width of the network's input, which is cut from the image's centre;
        None: that of the published weights. `arguments` go to torchvision's builder."""
        crop = _crop(size, weights.transforms())
        if size is not None and (len(crop) != 2 or min(crop) < 32):
            raise ValueError(f"expected a size of height and width, at least 32x32, got {size}")
        if name in _EXTRA_CLASSIFIERS:
            # The published weights take an input of mean 0.5, which the network makes itself.
            arguments = {"aux_logits": True, "init_weights": False, "transform_input": True} | (
                arguments
            )
        arguments |= _fixed_size(name, crop)
        module: nn.Module = torchvisions(weights=None, num_classes=num_classes, **arguments)
        return module

    def record(_module: nn.Module, arguments: dict[str, Any]) -> InputRecord:
        preset = weights.transforms()
        crop = _crop(arguments.get("size"), preset)
        # Another size keeps the share of the image that is cut off.
        edge = round(max(crop) * preset.resize_size[0] / preset.crop_size[0])
        mode = preset.interpolation.value
        return centre_record(edge, crop, preset.mean, preset.std, mode, bool(preset.antialias))

    return Architecture(
        name,
        "classify",
        build,
        record,
        published_by_torchvision(weights),
        head_layers=None,
        training_only=_EXTRA_CLASSIFIERS.get(name, ()),
    )


def _crop(size: list[int] | None, preset: Any) -> list[int]:
    """Height and width of what is cut from the image's centre."""
    return [int(side) for side in size or preset.crop_size * 2]


def _fixed_size(name: str, crop: list[int]) -> dict[str, Any]:
    if name.startswith("vit_"):
        if crop[0] != crop[1]:
            raise ValueError(f"expected a square size, got {crop[0]}x{crop[1]}")
        return {"image_size": crop[0]}
    return {"input_size": tuple(crop)} if name.startswith("maxvit") else {}


for _name in models.list_models(module=models):
    if _name in CATALOGUE:  # a newer torchvision may have more, which are not tested
        register(_architecture(_name))
