"""The feed-forward style network of Johnson et al. (arXiv 1603.08155), with instance normalisation
(arXiv 1607.08022) and upsampling by resize and convolution.

Parameter names and results are those of TransformerNet in pytorch/examples (fast_neural_style), so
its weights load.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from .architecture.input_record import InputRecord, native_record
from .architecture.record import Architecture, own_input
from .registry import register

# A side must be at least this long for the reflection paddings, which reach 4 pixels at full size.
SMALLEST_SIDE = 8
# Sides of the result are the image's, rounded up to this: the network halves twice, then doubles.
SIDE_MULTIPLE = 4
# How far a pixel of the result looks, each way, beside the statistics of instance normalisation:
# 4 + 1 + 2 pixels down to a quarter of the size, 4 for each 3x3 convolution there, 3 + 3 + 4 up
# again, rounding of the nearest neighbours included.
REACH_BASE = 17
REACH_PER_BLOCK = 8

_RUNNING = re.compile(r"(^|\.)in\d+\.(running_mean|running_var|num_batches_tracked)$")


# Applies an instance normalisation: to use, or to see, other statistics than the image's own.
Normalise = Callable[[nn.InstanceNorm2d, Tensor], Tensor]


def _by_itself(norm: nn.InstanceNorm2d, x: Tensor) -> Tensor:
    result: Tensor = norm(x)
    return result


class ReflectedConv(nn.Module):
    """A convolution that keeps the size (divided by the stride, rounded up)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.reflection_pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(channels_in, channels_out, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv2d(self.reflection_pad(x))
        return result


class UpsampledConv(ReflectedConv):
    """Doubles the size (nearest neighbour), then a 3x3 convolution: no checkerboard, which
    transposed convolutions leave."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 3)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity, without a ReLU behind the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ReflectedConv(channels, channels, 3)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = ReflectedConv(channels, channels, 3)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x: Tensor, normalise: Normalise = _by_itself) -> Tensor:
        y = F.relu(normalise(self.in1, self.conv1(x)))
        return normalise(self.in2, self.conv2(y)) + x


class StyleTransform(nn.Module):
    """Gives an image the one style that it was trained on.

    `module(images)` takes float32 [B, 3, h, w], RGB in 0..255, sides of at least 8 pixels, and
    returns float32 [B, 3, 4 * ceil(h / 4), 4 * ceil(w / 4)] in the same units, not clamped.

    Args:
        width: channels at full size; there are 2 and 4 times as many at a half and a quarter.
        blocks: residual blocks at a quarter of the size.
    """

    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        if width < 1 or blocks < 0:
            raise ValueError(f"width {width} and blocks {blocks}: expected at least 1 and 0")
        self.conv1 = ReflectedConv(3, width, 9)
        self.in1 = nn.InstanceNorm2d(width, affine=True)
        self.conv2 = ReflectedConv(width, 2 * width, 3, 2)
        self.in2 = nn.InstanceNorm2d(2 * width, affine=True)
        self.conv3 = ReflectedConv(2 * width, 4 * width, 3, 2)
        self.in3 = nn.InstanceNorm2d(4 * width, affine=True)
        self.blocks = blocks
        for number in range(1, blocks + 1):
            self.add_module(f"res{number}", ResidualBlock(4 * width))
        self.deconv1 = UpsampledConv(4 * width, 2 * width)
        self.in4 = nn.InstanceNorm2d(2 * width, affine=True)
        self.deconv2 = UpsampledConv(2 * width, width)
        self.in5 = nn.InstanceNorm2d(width, affine=True)
        self.deconv3 = ReflectedConv(width, 3, 9)
        record = native_record(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        self.input: InputRecord = {**record, "scale": 1.0}

    def forward(self, images: Tensor, normalise: Normalise = _by_itself) -> Tensor:
        result: Tensor = self.deconv3(self.features(images, normalise))
        return result

    def features(self, images: Tensor, normalise: Normalise = _by_itself) -> Tensor:
        """All but the last convolution: float32 [B, width, 4 * ceil(h / 4), 4 * ceil(w / 4)].

        `normalise` is called for each instance normalisation, in the order of `norms`.
        """
        y = F.relu(normalise(self.in1, self.conv1(images)))
        y = F.relu(normalise(self.in2, self.conv2(y)))
        y = F.relu(normalise(self.in3, self.conv3(y)))
        for number in range(1, self.blocks + 1):
            y = self.get_submodule(f"res{number}")(y, normalise)
        y = F.relu(normalise(self.in4, self.deconv1(y)))
        return F.relu(normalise(self.in5, self.deconv2(y)))

    @property
    def norms(self) -> list[nn.InstanceNorm2d]:
        """In the order of the forward pass, which is that of their registration."""
        return [part for part in self.modules() if isinstance(part, nn.InstanceNorm2d)]

    @property
    def reach(self) -> int:
        """How many pixels, each way, a pixel of the result depends on at most, the statistics of
        instance normalisation left aside."""
        return REACH_BASE + REACH_PER_BLOCK * self.blocks

    @staticmethod
    def accept_weights(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
        """Without the running statistics that instance norm kept in PyTorch 0.3 and never used."""
        return {key: value for key, value in state_dict.items() if not _RUNNING.search(key)}


register(Architecture("style_transform", "stylize", StyleTransform, own_input))
