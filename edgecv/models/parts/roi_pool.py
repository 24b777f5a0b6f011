"""RoI max pooling of Fast R-CNN (arXiv 1504.08083), in place of RoIAlign."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.ops import roi_pool


class SingleScaleRoIPool(nn.Module):
    """Max pooling of boxes from one feature map; fits torchvision's ``RoIHeads.box_roi_pool``,
    where ``torchvision.ops.RoIPool`` does not.

    Args:
        featmap_name: the backbone's name of the feature map; "0" where it gives only one.
        output_size: (h, w).
        spatial_scale: feature cells per pixel, such as 1 / 16.
    """

    def __init__(
        self, featmap_name: str, output_size: tuple[int, int], spatial_scale: float
    ) -> None:
        super().__init__()
        self.featmap_names = [featmap_name]
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(
        self, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """Features float32 [B, C, h, w] by name; boxes of each image float32 [R_i, 4], xyxy in
        pixels of the network's input. Returns float32 [sum of R_i, C, *output_size]."""
        return roi_pool(
            features[self.featmap_names[0]], boxes, self.output_size, self.spatial_scale
        )
