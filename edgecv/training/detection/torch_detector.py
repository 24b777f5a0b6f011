"""A torchvision-style detector on BGR images, with the runtime's own preprocessing (torch)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgecv.data.reading.masks import RunLengths, encode_masks
from edgecv.models.architecture.input_record import InputRecord, height_width
from edgecv_runtime import InputSpec, ops

from .metrics import Detected


class TorchDetector:
    """Calls `module`, in evaluation mode, on one image at a time.

    Args:
        module: behaves as torchvision's detectors do and normalises by itself.
        record: its input record; the image is resized as it says, in one pass with the conversion.
            `shortest_edge` is left to the module, whose own rule it is.
        mask_threshold: probability from which a pixel belongs to an object.
    """

    def __init__(self, module: nn.Module, record: InputRecord, mask_threshold: float = 0.5) -> None:
        self.module = module
        self.mask_threshold = mask_threshold
        by_module = record["resize"] == "shortest_edge"
        self.spec = InputSpec(
            color="rgb",
            size=None if by_module else height_width(record["size"]),
            resize="none" if by_module else record["resize"],
            interpolation=record["interpolation"],
            antialias=record["antialias"],
            scale=1 / 255,
        )
        self.device = next(module.parameters()).device

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.uint8]) -> Detected:
        """`image`: uint8 [H, W, 3] BGR. Boxes are in its pixels; labels count from 0."""
        tensor = torch.from_numpy(ops.preprocess(image, self.spec)).to(self.device)
        result = self.module([tensor])[0]
        # A RetinaNet or FCOS also scores the background, which is not a class.
        objects = result["labels"] > 0
        result = {name: values[objects] for name, values in result.items()}
        scale = np.array(image.shape[1::-1], np.float32) / np.array(tensor.shape[:0:-1], np.float32)
        return Detected(
            boxes=result["boxes"].float().cpu().numpy() * np.tile(scale, 2),
            scores=result["scores"].float().cpu().numpy(),
            labels=result["labels"].cpu().numpy() - 1,
            masks=self._encoded(result["masks"]) if "masks" in result else None,
        )

    def _encoded(self, probabilities: Tensor) -> list[RunLengths]:
        """[N, 1, H, W] over the whole image."""
        masks = (probabilities[:, 0] > self.mask_threshold).to(torch.uint8)
        return encode_masks(masks.cpu().numpy())
