"""Seeded weights under which a two-stage detector behaves as if it were trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def varied_rcnn(
    build: Callable[[], nn.Module],
    pictures: Sequence[np.ndarray],
    *,
    seed: int = 0,
    background_margin: float = 3.0,
    size: int = 256,
) -> Any:
    """Builds a torchvision FasterRCNN or MaskRCNN with seeded weights that find varied objects.

    Stage by stage, batch-norm statistics are taken from the pictures and the last layers are scaled
    so that objectness, class logits, deltas and mask logits spread.

    Args:
        pictures: uint8 [H, W, 3] BGR; at least 4, of different content.
        background_margin: how far the background's logit lies above the others on average.
        size: shortest side, in pixels, at which the statistics are taken.
    """
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        module: Any = build()
        module.eval()
        images = [
            torch.from_numpy(picture[:, :, ::-1].transpose(2, 0, 1).copy()).float() / 255
            for picture in pictures
        ]
        transform = module.transform
        kept = transform.min_size, transform.max_size
        transform.min_size, transform.max_size = (size,), 2 * size

        def run() -> None:
            for image in images:
                module([image])

        heads = module.roi_heads
        _set_batch_norm(module.backbone, run)
        _spread(module.rpn.head.cls_logits, run, 2.0)
        _spread(module.rpn.head.bbox_pred, run, 0.3)
        _set_batch_norm(heads.box_head, run)
        _spread(heads.box_predictor.cls_score, run, 2.0)
        heads.box_predictor.cls_score.bias[0] += background_margin
        _spread(heads.box_predictor.bbox_pred, run, 1.0)
        if heads.has_mask():
            _set_batch_norm(heads.mask_head, run)
            _spread(heads.mask_predictor.mask_fcn_logits, run, 2.0)
        transform.min_size, transform.max_size = kept
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


def _set_batch_norm(part: nn.Module, run: Callable[[], None]) -> None:
    """Running statistics: the plain average over the pictures."""
    layers = [layer for layer in part.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    if layers:
        run()
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def _spread(layer: Any, run: Callable[[], None], std: float) -> None:
    """Scales the layer so that its outputs have mean 0 in each channel and the given deviation."""
    outputs: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _, __, output: outputs.append(_rows(output)))
    run()
    hook.remove()
    values = torch.cat(outputs)  # [values, channels]
    assert len(values) >= 100, "too few boxes came this far to tell how logits spread"
    mean = values.mean(dim=0)
    scale = std / (values - mean).std()
    layer.weight *= scale
    layer.bias.copy_((layer.bias - mean) * scale)


def _rows(output: Tensor) -> Tensor:
    return output if output.ndim == 2 else output.movedim(1, -1).flatten(0, -2)
