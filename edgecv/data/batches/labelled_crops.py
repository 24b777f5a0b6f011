"""Training crops of segmentation: image and labels together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from ..segmentation_folder import LabelledImage
from .decoded_images import DecodedImages


class LabelledCrops(Dataset[tuple[Tensor, Tensor]]):
    """Gives (image uint8 [3, h, w] RGB, classes int64 [h, w]) after the pipeline.

    Args:
        images: no smaller than the pipeline's crop.
        lookup: int32 [65536], the class of each number in a label image, -1 for none.
        pipeline: takes and gives (image, labels) as `augmentation.crop_pipeline` does.
    """

    def __init__(
        self, images: Sequence[LabelledImage], lookup: NDArray[np.int32], pipeline: v2.Compose
    ) -> None:
        self.images = images
        self.lookup = lookup
        self.pipeline = pipeline
        self._image = DecodedImages([entry.image for entry in images])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        rgb = torch.from_numpy(self._image(index)).permute(2, 0, 1)  # [H, W, 3] -> [3, H, W]
        classes = torch.from_numpy(self.lookup[self.images[index].labels()])  # [H, W]
        image, labels = self.pipeline(tv_tensors.Image(rgb), tv_tensors.Mask(classes))
        return image.as_subclass(Tensor), labels.as_subclass(Tensor).long()
