"""The losses of style transfer (Gatys et al., arXiv 1508.06576) on a frozen VGG backbone: for the
training of a style network, and for the optimisation of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import VGG16_Weights, VGG19_Weights
from torchvision.models.vgg import cfgs, make_layers

from edgecv.models.architecture.input_record import IMAGENET_MEAN, IMAGENET_STD
from edgecv.models.weights.files import read_state_dict
from edgecv.models.weights.usable import require_finite
from edgecv_runtime import InputError, read_image

SMALLEST_STYLE = 32  # pixels: below, the deepest features are a few numbers
_CONFIGURATIONS = {"vgg16": "D", "vgg19": "E"}  # torchvision's letters
PUBLISHED_WEIGHTS = {"vgg16": VGG16_Weights.IMAGENET1K_V1, "vgg19": VGG19_Weights.IMAGENET1K_V1}


@dataclass(frozen=True)
class LossWeights:
    """What each loss counts; the style's Gram matrices are normalised by c · h · w, images are in
    0..1 for the total variation."""

    content: float = 1.0
    style: float = 1e5
    tv: float = 1.0


class VggBackbone(nn.Module):
    """The convolutions of VGG-16 or VGG-19 up to the deepest layer asked for, frozen.

    Args:
        name: vgg16 or vgg19.
        layers: names such as relu3_2: the second ReLU of the third block.
        weights: `default` (torchvision's, trained on ImageNet), a file with torchvision's names, or
            `none` (random, for tests of the mechanism).

    Raises:
        InputError: an unknown backbone or layer; weights that cannot be read or do not fit.
    """

    def __init__(self, name: str, layers: Sequence[str], weights: str = "default") -> None:
        super().__init__()
        if name not in _CONFIGURATIONS:
            raise InputError(f"backbone {name!r}: expected one of {', '.join(_CONFIGURATIONS)}")
        features = make_layers(cfgs[_CONFIGURATIONS[name]])
        positions = relu_positions(features)
        for layer in layers:
            if layer not in positions:
                raise InputError(
                    f"{name} has no layer {layer!r}: expected relu1_1 to {list(positions)[-1]}"
                )
        _load(features, name, weights)
        self.kept = {positions[layer]: layer for layer in layers}
        self.features = features[: max(self.kept) + 1]
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """`images`: float32 [B, 3, h, w], RGB in 0..1. Features by layer, [B, C, h', w']."""
        assert isinstance(self.mean, Tensor) and isinstance(self.std, Tensor)
        x = (images - self.mean) / self.std
        found: dict[str, Tensor] = {}
        for index, layer in enumerate(self.features):
            # Not in place: what is kept must stay as it is.
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            if index in self.kept:
                found[self.kept[index]] = x
        return found


def layer_names(text: str) -> tuple[str, ...]:
    """The names in a list divided by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def relu_positions(features: nn.Sequential) -> dict[str, int]:
    """Index of each ReLU by its name, such as relu3_2."""
    positions = {}
    block, number = 1, 0
    for index, layer in enumerate(features):
        if isinstance(layer, nn.ReLU):
            number += 1
            positions[f"relu{block}_{number}"] = index
        elif isinstance(layer, nn.MaxPool2d):
            block, number = block + 1, 0
    return positions


def _load(features: nn.Sequential, name: str, weights: str) -> None:
    if weights == "none":
        for layer in features:
            if isinstance(layer, nn.Conv2d):  # as torchvision begins: signals keep their size
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        return
    if weights == "default":
        try:
            state = dict(PUBLISHED_WEIGHTS[name].get_state_dict(progress=True, check_hash=True))
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"the published weights of {name} cannot be downloaded ({error}); download them "
                "where there is a network and pass the file, or pass none for random ones"
            ) from error
    else:
        state = read_state_dict(weights)
    own = features.state_dict()
    for key, value in own.items():
        given = state.get(f"features.{key}")
        if given is None or given.shape != value.shape:
            got = "missing" if given is None else list(given.shape)
            raise InputError(
                f"{weights}: not the weights of torchvision's {name}: features.{key} is {got}, "
                f"expected {list(value.shape)}"
            )
    taken = {key: state[f"features.{key}"] for key in own}
    require_finite(taken, weights)
    features.load_state_dict(taken)


def gram(features: Tensor) -> Tensor:
    """[B, C, h, w] -> [B, C, C]: products of the channels, summed over places, / (C · h · w)."""
    channels, height, width = features.shape[1:]
    rows = features.flatten(2)  # [B, C, h * w]
    return rows @ rows.transpose(1, 2) / (channels * height * width)


def total_variation(images: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, down and across, halved."""
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean()
    across = (images[..., 1:] - images[..., :-1]).abs().mean()
    return (down + across) / 2


class StyleLoss(nn.Module):
    """How far images are from the content of others and from one style.

    Args:
        backbone: gives the features of `content_layers` and `style_layers`.
        style: float32 [3, h, w], RGB in 0..1.
    """

    def __init__(
        self,
        backbone: VggBackbone,
        style: Tensor,
        content_layers: Sequence[str],
        style_layers: Sequence[str],
        weights: LossWeights,
    ) -> None:
        super().__init__()
        if not content_layers or not style_layers:
            raise InputError("expected at least one layer for the content and one for the style")
        self.backbone = backbone
        self.content_layers = tuple(content_layers)
        self.style_layers = tuple(style_layers)
        self.weights = weights
        with torch.no_grad():
            features = backbone(style[None])
        for layer in self.style_layers:
            self.register_buffer(f"gram_{layer}", gram(features[layer]), persistent=False)

    def contents(self, images: Tensor) -> list[Tensor]:
        """What `forward` compares with: features of images, [B, 3, h, w], RGB in 0..1."""
        with torch.no_grad():
            features = self.backbone(images)
        return [features[layer] for layer in self.content_layers]

    def forward(self, images: Tensor, contents: Sequence[Tensor]) -> dict[str, Tensor]:
        """The weighted losses `content`, `style` and `tv` of images [B, 3, h, w], RGB in 0..1."""
        features = self.backbone(images)
        content = images.new_zeros(())
        for layer, target in zip(self.content_layers, contents, strict=True):
            content = content + F.mse_loss(features[layer], target)
        style = images.new_zeros(())
        for layer in self.style_layers:
            found = gram(features[layer])
            style = style + F.mse_loss(found, self.get_buffer(f"gram_{layer}").expand_as(found))
        return {
            "content": self.weights.content * content,
            "style": self.weights.style * style,
            "tv": self.weights.tv * total_variation(images),
        }


def to_tensor(image: NDArray[np.uint8], longest: int | None = None) -> Tensor:
    """uint8 [H, W, 3] BGR -> float32 [3, h, w], RGB in 0..1; made smaller where its longer side is
    above `longest`."""
    tensor = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    scale = longest / max(tensor.shape[1:]) if longest is not None else 1.0
    if scale >= 1:
        return tensor
    size = [max(round(side * scale), 1) for side in tensor.shape[1:]]
    return F.interpolate(tensor[None], size, mode="bilinear", antialias=True)[0]


def read_style(path: str | Path, longest: int | None) -> Tensor:
    """A style image, see `to_tensor`. Raises InputError for one that is too small."""
    style = to_tensor(read_image(path), longest)
    height, width = style.shape[1:]
    if min(height, width) < SMALLEST_STYLE:
        raise InputError(
            f"{path}: {width} x {height} pixels are too few to learn a style from; expected at "
            f"least {SMALLEST_STYLE} each way"
        )
    return style
