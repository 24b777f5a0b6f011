"""Training images of a classifier."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from ..class_folder import ClassificationData
from .decoded_images import DecodedImages


class ClassImages(Dataset[tuple[Tensor, int]]):
    """Gives (image uint8 [3, h, w] RGB, class) after the pipeline."""

    def __init__(self, data: ClassificationData, pipeline: v2.Compose) -> None:
        self.classes = data.classes
        self.pipeline = pipeline
        self._image = DecodedImages(data.images)

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        rgb = torch.from_numpy(self._image(index)).permute(2, 0, 1)  # [H, W, 3] -> [3, H, W]
        image: tv_tensors.Image = self.pipeline(tv_tensors.Image(rgb))
        return image.as_subclass(Tensor), self.classes[index]
