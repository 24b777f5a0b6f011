"""Training of detectors: torchvision's own losses, average precision on the validation images."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from edgecv.data.batches.instances import InstanceBatch
from edgecv.data.batches.minibatch import Minibatch
from edgecv.data.reading.records import DetectionData
from edgecv.models.architecture.heads import predicts_masks
from edgecv.models.architecture.input_record import InputRecord

from ..run.task import TrainingTask, counted
from .metrics import Detected, average_precision
from .torch_detector import TorchDetector


class DetectionTask(TrainingTask):
    """Trains a torchvision-style detector.

    Args:
        module: made by `registry.create`; `record` is its input record.
        validation: the images for the COCO metric, labels as indices of `labels`.
        learning_rate, pretrained: see TrainingTask. Where batches are small (images of different
            sizes) the batch norm of a pretrained backbone keeps its statistics.
    """

    curves: ClassVar = {
        "map": "mAP",
        "map50": "mAP@0.5",
        "mask_map": "mAP of masks",
        "mask_map50": "mAP@0.5 of masks",
    }
    curves_axis: ClassVar = "average precision (validation)"

    def __init__(
        self,
        module: nn.Module,
        record: InputRecord,
        validation: DetectionData,
        learning_rate: float,
        pretrained: bool,
    ) -> None:
        small_batches = record["resize"] == "shortest_edge"
        super().__init__(module, learning_rate, pretrained, small_batches and not pretrained)
        self.record = record
        self.validation = validation
        self.fixed_statistics = pretrained and small_batches
        self._detected: list[Detected] = []

    @property
    def columns(self) -> list[str]:
        return [
            name
            for name in self.curves
            if predicts_masks(self.module) or not name.startswith("mask")
        ]

    def better(self, metrics: dict[str, float], best: dict[str, float]) -> bool:
        ranked = "mask_map" if "mask_map" in metrics else "map"
        return counted(metrics[ranked]) >= counted(best[ranked])

    def train(self, mode: bool = True) -> DetectionTask:
        super().train(mode)
        if self.fixed_statistics:
            for part in self.module.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eval()
        return self

    def training_step(self, batch: Minibatch | InstanceBatch, _index: int) -> Tensor:
        images = self.remember([image.float() / 255 for image in batch.images])
        return self.log_losses(self.module(images, batch.targets()), len(images))

    def run_backbone(self, inputs: list[Tensor]) -> None:
        detector: Any = self.average.module
        prepared, _ = detector.transform(inputs)
        detector.backbone(prepared.tensors)

    def on_validation_epoch_start(self) -> None:
        self._detected = []
        self._detector = TorchDetector(self.average.module, self.record)

    def validation_step(self, image: NDArray[np.uint8], _index: int) -> None:
        self._detected.append(self._detector(image))

    def on_validation_epoch_end(self) -> None:
        data = self.validation
        precision = average_precision(data.records, self._detected, data.labels)
        metrics = {"map": precision.map, "map50": precision.map50}
        if precision.masks is not None:
            metrics |= {"mask_map": precision.masks.map, "mask_map50": precision.masks.map50}
        self.metrics = metrics
        self.facts = {"precision": precision.to_dict()}
