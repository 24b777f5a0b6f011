"""Parity of a style network: torch against the whole runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import edgecv_runtime
from edgecv.models.style_transform import SMALLEST_SIDE
from edgecv_export.graphs.style.cut import StyleCut
from edgecv_export.parity.comparison import Tolerance
from edgecv_export.parity.style_report import StyleReport

# The network is the same everywhere on an image, so a part of a large one proves as much.
LARGEST = (480, 640)  # height and width, at most
LARGEST_IN_TILES = (640, 768)  # more than a tile each way


def verify_style(
    cut: StyleCut,
    bundle: Path,
    images: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None] = lambda: None,
) -> StyleReport:
    """Stylizes the top left of each image (uint8 [H, W, 3] BGR) with both; that of the largest one
    also tile by tile, which must give what torch gives at once. Its limit is `LEAST_PSNR`:
    ``tolerance`` has no part for stylized images."""
    runtime = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    assert isinstance(runtime, edgecv_runtime.Stylizer)
    report = StyleReport()
    for image in images:
        image = _part(image, LARGEST)
        runtime.tiling = "never"
        stylized = runtime(image).image
        output = _network(cut, image)
        report.add_output(output.numpy(), runtime.engines["main"].output(0))
        report.add(_image(cut, output, image.shape[:2]), stylized)
        done()
    if cut.size is None:
        image = _part(max(images, key=lambda image: image.size), LARGEST_IN_TILES)
        runtime.tiling = "always"
        stylized = runtime(image).image
        report.add_tiles(_image(cut, _network(cut, image), image.shape[:2]), stylized)
    return report


def _part(image: np.ndarray, largest: tuple[int, int]) -> np.ndarray:
    return image[: largest[0], : largest[1]]


@torch.inference_mode()
def _network(cut: StyleCut, image: np.ndarray) -> Tensor:
    """The module's output, float32 [1, 3, h', w']."""
    rgb = np.ascontiguousarray(image[:, :, ::-1].transpose(2, 0, 1))
    tensor = torch.from_numpy(rgb)[None].float()
    if cut.size is not None:
        tensor = F.interpolate(tensor, cut.size, mode="bilinear")
    missing = [max(SMALLEST_SIDE - side, 0) for side in tensor.shape[2:]]
    tensor = F.pad(tensor, (0, missing[1], 0, missing[0]), mode="replicate")
    result: Tensor = cut.module(tensor)
    return result


def _image(cut: StyleCut, output: Tensor, size: tuple[int, ...]) -> np.ndarray:
    """The 8-bit image, BGR, that an output stands for."""
    height, width = cut.size or size
    pixels = output[..., :height, :width].clamp(0, 255).round()
    if cut.size is not None:
        pixels = F.interpolate(pixels, tuple(size), mode="bilinear").round()
    return pixels[0].permute(1, 2, 0).numpy()[:, :, ::-1].astype(np.uint8)
