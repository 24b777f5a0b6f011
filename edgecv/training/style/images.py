"""Images that a style network is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from edgecv_runtime import InputError, read_image
from edgecv_runtime.sources import IMAGE_SUFFIXES, natural_key

MOST_VALIDATED = 8


class StyleImages(Dataset[Tensor]):
    """Random crops of images: uint8 [3, h, w], RGB, of `size` (height, width)."""

    def __init__(self, paths: Sequence[Path], size: tuple[int, int]) -> None:
        self.paths = list(paths)
        self.size = size
        self.pipeline = v2.Compose([v2.RandomCrop(size), v2.RandomHorizontalFlip()])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        image = read_image(self.paths[index])
        tensor = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1)
        # The crop covers the shorter side.
        scale = max(self.size[0] / tensor.shape[1], self.size[1] / tensor.shape[2])
        enough = [max(round(side * scale), least) for side, least in zip(
            tensor.shape[1:], self.size, strict=True
        )]  # fmt: skip
        result: Tensor = self.pipeline(v2.functional.resize(tensor, enough, antialias=True))
        return result


def split_images(folder: str, train: str, val: str) -> tuple[list[Path], list[Path]]:
    """Images to train on and to validate with: those in the folders `train` and `val` of `folder`
    if it has both, else all of its images, of which every tenth, at most 8, is for validation.

    Raises InputError if the folder has no image.
    """
    root = Path(folder)
    if (root / train).is_dir() and (root / val).is_dir():
        return images_in(root / train), images_in(root / val)[:MOST_VALIDATED]
    images = images_in(root)
    for_validation = images[:: max(10, -(-len(images) // MOST_VALIDATED))]
    if len(images) == 1:
        return images, images
    return [image for image in images if image not in for_validation], for_validation


def images_in(folder: Path) -> list[Path]:
    """All images in a folder and those below it, in order."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with images")
    images = [path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise InputError(f"{folder}: no images in it")
    return sorted(images, key=natural_key)
