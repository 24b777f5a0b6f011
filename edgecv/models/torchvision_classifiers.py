"""Every classifier of torchvision, with the input record of its published weights."""

from __future__ import annotations

import functools
from typing import Any

from torch import Tensor, nn
from torchvision import models

from . import registry
from .architecture.catalogue import CATALOGUE
from .architecture.heads import layers_of_classes
from .architecture.input_record import centre_record

# Networks that learn with more classifiers than they answer with.
_EXTRA_CLASSIFIERS = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


def _register(name: str) -> None:
    published: Any = models.get_model_weights(name).DEFAULT
    build = models.get_model_builder(name)

    def fetch() -> dict[str, Tensor]:
        return dict(published.get_state_dict(progress=True, check_hash=True))

    @registry.register(name, default_weights=fetch, task="classify")
    def builder(num_classes: int, size: list[int] | None = None, **arguments: Any) -> nn.Module:
        """`size`: height and width of the network's input, which is cut from the picture's centre;
        None: that of the published weights. `arguments` go to torchvision's builder."""
        preset = published.transforms()
        crop = [int(side) for side in size or preset.crop_size * 2]
        if size is not None and (len(crop) != 2 or min(crop) < 32):
            raise ValueError(f"expected a size of height and width, at least 32x32, got {size}")
        if name in _EXTRA_CLASSIFIERS:
            # The published weights take an input of mean 0.5, which the network makes itself.
            arguments = {"aux_logits": True, "init_weights": False, "transform_input": True} | (
                arguments
            )
        arguments |= _fixed_size(name, crop)
        module: nn.Module = build(weights=None, num_classes=num_classes, **arguments)
        module.input = _record(preset, crop)  # type: ignore[assignment]
        module.training_only = _EXTRA_CLASSIFIERS.get(name, ())  # type: ignore[assignment]
        module.head_layers = _head_layers  # type: ignore[assignment]
        return module

    # The layers whose shapes depend on the number of classes; found out when somebody asks.
    _head_layers = functools.partial(layers_of_classes, name)


def _fixed_size(name: str, crop: list[int]) -> dict[str, Any]:
    if name.startswith("vit_"):
        if crop[0] != crop[1]:
            raise ValueError(f"expected a square size, got {crop[0]}x{crop[1]}")
        return {"image_size": crop[0]}
    return {"input_size": tuple(crop)} if name.startswith("maxvit") else {}


def _record(preset: Any, crop: list[int]) -> dict[str, Any]:
    # Another size keeps the share of the picture that is cut off.
    edge = round(max(crop) * preset.resize_size[0] / preset.crop_size[0])
    mode = preset.interpolation.value
    return centre_record(edge, crop, preset.mean, preset.std, mode, bool(preset.antialias))


for _name in models.list_models(module=models):
    if _name in CATALOGUE:  # a newer torchvision may have more, which nobody has tried
        _register(_name)
