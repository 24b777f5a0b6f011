"""Parity of a style network: what torch paints against the whole runtime."""

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

# The network is the same everywhere on a picture, so a part of a large one proves as much.
LARGEST = (480, 640)  # height and width, at most
LARGEST_IN_TILES = (640, 768)  # more than a tile each way


def verify_style(
    cut: StyleCut,
    bundle: Path,
    pictures: Sequence[np.ndarray],
    tolerance: Tolerance,
    done: Callable[[], None] = lambda: None,
) -> StyleReport:
    """Paints the top left of each picture (uint8 [H, W, 3] BGR) with both; that of the largest one
    also tile by tile, which must give what torch paints at once."""
    runtime = edgecv_runtime.load(bundle, engine="onnxruntime", device="cpu", precision="fp32")
    assert isinstance(runtime, edgecv_runtime.Stylizer)
    report = StyleReport()
    for picture in pictures:
        picture = _part(picture, LARGEST)
        runtime.tiling = "never"
        painted = runtime(picture).image
        output = _network(cut, picture)
        report.add_output(output.numpy(), runtime.engines["main"].output(0))
        report.add(_picture(cut, output, picture.shape[:2]), painted)
        done()
    if cut.size is None:
        picture = _part(max(pictures, key=lambda picture: picture.size), LARGEST_IN_TILES)
        runtime.tiling = "always"
        painted = runtime(picture).image
        report.add_tiles(_picture(cut, _network(cut, picture), picture.shape[:2]), painted)
    return report


def _part(picture: np.ndarray, largest: tuple[int, int]) -> np.ndarray:
    return picture[: largest[0], : largest[1]]


@torch.inference_mode()
def _network(cut: StyleCut, picture: np.ndarray) -> Tensor:
    """The module's output, float32 [1, 3, h', w']."""
    rgb = np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1))
    image = torch.from_numpy(rgb)[None].float()
    if cut.size is not None:
        image = F.interpolate(image, cut.size, mode="bilinear")
    missing = [max(SMALLEST_SIDE - side, 0) for side in image.shape[2:]]
    image = F.pad(image, (0, missing[1], 0, missing[0]), mode="replicate")
    result: Tensor = cut.module(image)
    return result


def _picture(cut: StyleCut, output: Tensor, size: tuple[int, ...]) -> np.ndarray:
    """The 8-bit picture, BGR, that an output stands for."""
    height, width = cut.size or size
    pixels = output[..., :height, :width].clamp(0, 255).round()
    if cut.size is not None:
        pixels = F.interpolate(pixels, tuple(size), mode="bilinear").round()
    return pixels[0].permute(1, 2, 0).numpy()[:, :, ::-1].astype(np.uint8)
