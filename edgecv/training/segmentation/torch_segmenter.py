"""A segmentation network on BGR images, whole or in windows, as the runtime runs it (torch)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from edgecv.models.architecture.input_record import InputRecord
from edgecv.models.architecture.windows import WindowPlan
from edgecv_runtime import ops

from ..preprocessing import spec_of


def logits_of(outputs: Any) -> Tensor:
    """[B, C, h, w] of a network that gives them, or a dict with them in "out" as torchvision's."""
    logits: Tensor = outputs["out"] if isinstance(outputs, dict) else outputs
    return logits


class TorchSegmenter:
    """Calls `module`, in evaluation mode, on one image at a time.

    Args:
        module: float32 [B, 3, H, W], normalised -> logits [B, C, h, w] or {"out": logits}.
        record: its input record.
        windows: the plan of the windows, see bundle.json; None: images go through whole.
    """

    def __init__(self, module: nn.Module, record: InputRecord, windows: WindowPlan | None) -> None:
        self.module = module
        self.spec = spec_of(record)
        self.pad_value = float(record["pad_value"])
        self.windows = windows
        self.device = next(module.parameters()).device

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.int64]:
        """`image`: uint8 [H, W, 3] BGR. Gives the class of each pixel, int64 [H, W]."""
        classes: NDArray[np.int64] = self.logits(image).argmax(0).cpu().numpy()
        return classes

    @torch.inference_mode()
    def logits(self, image: NDArray[np.uint8]) -> Tensor:
        """float32 [C, H, W] in the size of the image."""
        tensor = torch.from_numpy(ops.preprocess(image, self.spec)).to(self.device)
        return self.of_tensor(tensor, (image.shape[0], image.shape[1]))

    def of_tensor(self, tensor: Tensor, size: tuple[int, int]) -> Tensor:
        """The same for an image of `size` (H, W) that is preprocessed, float32 [3, h, w]."""
        if self.windows is not None:
            return self._in_windows(tensor, self.windows)
        return self._run(tensor[None], size)[0]

    def first_window(self, tensor: Tensor) -> Tensor:
        """What the network sees first of an image: a window, or all of it."""
        if self.windows is None:
            return tensor
        rows, columns = self.windows["size"]
        return self._padded(tensor)[:, :rows, :columns]

    def _padded(self, tensor: Tensor) -> Tensor:
        """No smaller than a window."""
        assert self.windows is not None
        missing = [
            max(of - own, 0)
            for of, own in zip(self.windows["size"], tensor.shape[-2:], strict=True)
        ]
        return F.pad(tensor, (0, missing[1], 0, missing[0]), value=self.pad_value)

    def _run(self, tensors: Tensor, size: tuple[int, int]) -> Tensor:
        logits = logits_of(self.module(tensors)).float()
        if logits.shape[-2:] == size:
            return logits
        return F.interpolate(logits, size, mode="bilinear", align_corners=False)

    def _in_windows(self, tensor: Tensor, windows: WindowPlan) -> Tensor:
        """Logits of the windows, averaged where they overlap. [3, H, W] -> [C, H, W]"""
        height, width = tensor.shape[-2:]
        rows, columns = windows["size"]
        padded = self._padded(tensor)
        size = (padded.shape[-2], padded.shape[-1])
        boxes = ops.sliding_windows(size, (rows, columns), windows["overlap"]).tolist()
        weight = window_weight(rows, columns, windows["weight"]).to(self.device)
        total: Tensor | None = None
        weights = torch.zeros(size, device=self.device)
        for start in range(0, len(boxes), windows["batch"]):
            some = boxes[start : start + windows["batch"]]
            parts = torch.stack([padded[:, y1:y2, x1:x2] for x1, y1, x2, y2 in some])
            logits = self._run(parts, (rows, columns))
            if total is None:
                total = torch.zeros(logits.shape[1], *size, device=self.device)
            for (x1, y1, x2, y2), part in zip(some, logits, strict=True):
                total[:, y1:y2, x1:x2] += weight * part
                weights[y1:y2, x1:x2] += weight
        assert total is not None
        return (total / weights)[:, :height, :width]


def window_weight(rows: int, columns: int, name: str) -> Tensor:
    """float32 [rows, columns]: how much each pixel of a window counts, see docs/bundle.md."""

    def side(length: int) -> Tensor:
        place = torch.arange(length) - (length - 1) / 2
        if name == "gaussian":
            return torch.exp(-0.5 * (place / (length / 8)) ** 2)
        if name == "linear":
            return 1 - place.abs() / ((length + 1) / 2)
        return torch.ones(length)

    weight = side(rows)[:, None] * side(columns)
    return weight.clamp(min=1e-3) if name == "gaussian" else weight
