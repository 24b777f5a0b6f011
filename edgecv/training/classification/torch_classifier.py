"""A classifier on BGR images, with the runtime's own preprocessing (torch)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgecv.models.architecture.input_record import InputRecord
from edgecv_runtime import ops

from ..preprocessing import spec_of


class TorchClassifier:
    """Calls `module`, in evaluation mode, on one image at a time.

    Args:
        module: float32 [B, 3, h, w], normalised -> logits [B, C].
        record: its input record.
    """

    def __init__(self, module: nn.Module, record: InputRecord) -> None:
        self.module = module
        self.spec = spec_of(record)
        self.device = next(module.parameters()).device

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """`image`: uint8 [H, W, 3] BGR. Gives the logits, float32 [C]."""
        tensor = torch.from_numpy(ops.preprocess(image, self.spec)).to(self.device)
        logits: NDArray[np.float32] = self.module(tensor[None])[0].float().cpu().numpy()
        return logits
