"""One image in the style of another, by optimising its pixels (arXiv 1508.06576)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgecv_runtime import InputError

from .losses import LossWeights, StyleLoss, VggBackbone

CONTENT_LAYERS = ("relu4_2",)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
LEARNING_RATES = {"lbfgs": 1.0, "adam": 0.02}  # Adam's in levels of 0..1


@dataclass(frozen=True)
class OptimisationSettings:
    steps: int = 300
    optimizer: str = "lbfgs"  # or adam
    learning_rate: float | None = None  # None: by the optimizer
    loss: LossWeights = field(default_factory=LossWeights)
    content_layers: tuple[str, ...] = CONTENT_LAYERS
    style_layers: tuple[str, ...] = STYLE_LAYERS
    backbone: str = "vgg19"
    weights: str = "default"  # of the backbone: default, none or a file


def optimise_image(
    content: Tensor,
    style: Tensor,
    settings: OptimisationSettings | None = None,
    *,
    device: str = "cpu",
    done: Callable[[int, dict[str, float], Callable[[], NDArray[np.uint8]]], None] | None = None,
) -> NDArray[np.uint8]:
    """Begins with the content and lowers content, style and total-variation losses together.

    Args:
        content: float32 [3, h, w], RGB in 0..1; the result has its size.
        style: float32 [3, h', w'], RGB in 0..1.
        settings: steps, optimizer, losses and backbone.
        device: cpu or cuda.
        done: called after each step with its number (from 1), the losses before it (`content`,
            `style`, `tv` as they are weighted), and a function that gives the image as it is.

    Returns:
        uint8 [h, w, 3], BGR.

    Raises:
        InputError: settings out of range, or losses that become infinite.
    """
    settings = settings or OptimisationSettings()
    if settings.optimizer not in LEARNING_RATES:
        raise InputError(
            f"optimizer {settings.optimizer!r}: expected one of {', '.join(LEARNING_RATES)}"
        )
    layers = [*settings.content_layers, *settings.style_layers]
    backbone = VggBackbone(settings.backbone, layers, settings.weights).to(device)
    loss = StyleLoss(
        backbone, style.to(device), settings.content_layers, settings.style_layers, settings.loss
    ).to(device)
    targets = loss.contents(content[None].to(device))
    # L-BFGS wants one block of memory.
    image = content[None].to(device).clone(memory_format=torch.contiguous_format)
    image.requires_grad_()
    optimizer = _optimizer(image, settings)
    losses: dict[str, float] = {}

    def closure() -> float:
        optimizer.zero_grad()
        parts = loss(image, targets)
        total = torch.stack(list(parts.values())).sum()
        # Of means over all pixels each pixel's part is tiny: L-BFGS would take it for the end.
        total = total * image.numel()
        total.backward()
        if not losses:  # L-BFGS looks several times in a step; the first look is what it began with
            losses.update({name: float(value.detach()) for name, value in parts.items()})
        return float(total.detach())

    for step in range(1, settings.steps + 1):
        losses.clear()
        optimizer.step(closure)
        if not all(math.isfinite(value) for value in losses.values()):
            raise InputError(
                f"the losses became infinite in step {step}: use a lower learning rate or weights"
            )
        if done is not None:
            done(step, dict(losses), lambda: to_pixels(image[0]))
    return to_pixels(image[0])


def _optimizer(image: Tensor, settings: OptimisationSettings) -> torch.optim.Optimizer:
    rate = settings.learning_rate or LEARNING_RATES[settings.optimizer]
    if settings.optimizer == "adam":
        return torch.optim.Adam([image], lr=rate)
    # One iteration for each step, so that there is something to show after each.
    return torch.optim.LBFGS(
        [image],
        lr=rate,
        max_iter=1,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """[3, h, w], RGB in 0..1 and cut to it -> uint8 [h, w, 3], BGR."""
    levels = image.detach().clamp(0, 1).mul(255).round().to(torch.uint8).cpu()
    pixels: NDArray[np.uint8] = levels.permute(1, 2, 0).numpy()[:, :, ::-1].copy()
    return pixels
