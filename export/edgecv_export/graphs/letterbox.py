"""torchvision's transform for a network of one fixed input size."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.detection.transform import GeneralizedRCNNTransform


class LetterboxTransform(GeneralizedRCNNTransform):
    """Scales images to fit into ``size`` (h, w), each as large as it goes, into the top left
    corner, as ``resize: letterbox`` in the manifest; the rest is as in the original."""

    def __init__(self, original: GeneralizedRCNNTransform, size: tuple[int, int]) -> None:
        super().__init__(
            min_size=min(size),
            max_size=max(size),
            image_mean=original.image_mean,
            image_std=original.image_std,
            size_divisible=original.size_divisible,
        )
        self.size = size
        self.eval()

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        height, width = image.shape[-2:]
        scale = min(self.size[0] / height, self.size[1] / width)
        resized = [
            min(max(round(height * scale), 1), self.size[0]),
            min(max(round(width * scale), 1), self.size[1]),
        ]
        image = nn.functional.interpolate(image[None], resized, mode="bilinear")[0]
        return image, target

    def batch_images(self, images: list[Tensor], size_divisible: int = 32) -> Tensor:
        batch = images[0].new_zeros(len(images), images[0].shape[0], *self.size)
        for padded, image in zip(batch, images, strict=True):
            padded[:, : image.shape[1], : image.shape[2]] = image
        return batch
