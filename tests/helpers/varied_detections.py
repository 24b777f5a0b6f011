"""Seeded weights under which a detector behaves as if it were trained.

Default-initialised detectors score every anchor alike, and a comparison on them proves nothing.
Here batch-norm statistics come from pictures, and the last layers are scaled so that logits spread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, RetinaNet

DISTANCE = 2.0  # of the sides from the centre on average, in anchors: FCOS cuts those below 0


def varied_detector(
    build: Callable[[], nn.Module],
    pictures: Sequence[np.ndarray],
    *,
    seed: int = 0,
    class_std: float = 2.0,
    box_std: float = 0.4,
    background_margin: float = 9.0,
) -> nn.Module:
    """Builds a detector (torchvision's SSD, RetinaNet or FCOS, or ssd_tiny) with seeded weights.

    Args:
        build: makes the detector; the random numbers it draws are seeded.
        pictures: uint8 [H, W, 3] BGR; at least 4, of different content.
        class_std, box_std: standard deviation of the class logits and of the box deltas at each
            level, over the pictures.
        background_margin: how far the background's logit (0 for a RetinaNet or FCOS, which has
            none) lies above the others on average. With 91 classes, 9 leaves some thousand
            candidates with scores above 0.01.

    Returns:
        The detector in evaluation mode.
    """
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        module = build()
        images = _network_input(module, pictures)
        _set_batch_norm(module, images)
        module.eval()
        class_layers, box_layers = _last_layers(module)
        classes = _num_classes(module)
        deviations = dict.fromkeys(class_layers, class_std) | dict.fromkeys(box_layers, box_std)
        if isinstance(module, FCOS):
            deviations[module.head.regression_head.bbox_ctrness] = class_std
        _spread(module, deviations, images)
        for layer in class_layers:
            if _is_dense(module):
                layer.bias -= background_margin
            else:
                layer.bias[::classes] += background_margin
        if isinstance(module, FCOS):
            for layer in box_layers:
                layer.bias += DISTANCE
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


def _network_input(module: Any, pictures: Sequence[np.ndarray]) -> Tensor:
    if hasattr(module, "transform"):
        size = module.transform.fixed_size or (module.transform.min_size[-1],) * 2
        (width, height), multiple = size, module.transform.size_divisible
        mean, std = module.transform.image_mean, module.transform.image_std
    else:
        (height, width), multiple = module.size, 1
        mean, std = module.input["mean"], module.input["std"]
    scale = torch.tensor(std)[:, None, None]
    shift = torch.tensor(mean)[:, None, None]
    tensors = []
    for picture in pictures:
        rgb = torch.from_numpy(picture[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
        small = nn.functional.interpolate(rgb[None], (height, width), mode="bilinear")[0]
        padding = (0, -width % multiple, 0, -height % multiple)
        tensors.append(nn.functional.pad((small - shift) / scale, padding))
    return torch.stack(tensors)


def _run_network(module: Any, images: Tensor) -> None:
    if hasattr(module, "forward_head"):
        module.forward_head(images)
        return
    features = module.backbone(images)
    module.head([features] if isinstance(features, Tensor) else list(features.values()))


def _set_batch_norm(module: nn.Module, images: Tensor) -> None:
    """Running statistics: the plain average over the pictures, taken in two halves."""
    layers = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    module.train()
    for half in images.chunk(2):
        _run_network(module, half)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def _last_layers(module: Any) -> tuple[list[nn.Conv2d], list[nn.Conv2d]]:
    """The convolutions that give class logits and box deltas, level by level."""

    def last(parts: Any) -> list[nn.Conv2d]:
        return [[m for m in part.modules() if isinstance(m, nn.Conv2d)][-1] for part in parts]

    if hasattr(module, "forward_head"):
        return last(module.head.classes), last(module.head.boxes)
    head = module.head
    if _is_dense(module):
        return [head.classification_head.cls_logits], [head.regression_head.bbox_reg]
    return last(head.classification_head.module_list), last(head.regression_head.module_list)


def _is_dense(module: nn.Module) -> bool:
    return isinstance(module, (RetinaNet, FCOS))


def _num_classes(module: Any) -> int:
    if hasattr(module, "forward_head"):
        return int(module.num_classes)
    if _is_dense(module):
        return int(module.head.classification_head.num_classes)
    return int(module.head.classification_head.num_columns)


def _spread(module: nn.Module, deviations: dict[nn.Conv2d, float], images: Tensor) -> None:
    """Scales each layer so that its outputs have mean 0 in each channel and the given deviation."""
    # A layer may serve several levels: its outputs, [C, cells] each.
    outputs: dict[nn.Module, list[Tensor]] = {layer: [] for layer in deviations}

    def keep(layer: nn.Module, _: Any, output: Tensor) -> None:
        outputs[layer].append(output.transpose(0, 1).flatten(1))

    hooks = [layer.register_forward_hook(keep) for layer in deviations]
    _run_network(module, images)
    for hook in hooks:
        hook.remove()
    for layer, deviation in deviations.items():
        values = torch.cat(outputs[layer], dim=1)
        mean = values.mean(dim=1)
        scale = deviation / (values - mean[:, None]).std()
        assert torch.isfinite(scale), "the network gives the same for all pictures"
        layer.weight *= scale
        layer.bias.copy_((layer.bias - mean) * scale)
