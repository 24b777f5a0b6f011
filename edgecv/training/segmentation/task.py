"""Training of segmentation networks: cross-entropy of pixels, mean IoU on the validation images."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from edgecv.data.segmentation_folder import LabelledImage
from edgecv.models.architecture.input_record import InputRecord
from edgecv.models.architecture.windows import WindowPlan

from ..preprocessing import normalise
from ..run.task import TrainingTask
from .confusion import Confusion
from .evaluation import NO_CLASS, true_classes
from .torch_segmenter import TorchSegmenter, logits_of

AUXILIARY = 0.5  # weight of the loss of the second classifier, as torchvision trains its models


class SegmentationTask(TrainingTask):
    """Trains a network that gives each pixel logits of C classes.

    Args:
        module: made by `registry.create`; `record` is its input record, `windows` its plan of
            windows in validation (None: whole images).
        labels: names of the classes.
        validation: images for the mean IoU.
        lookup: int32 [65536], the class of each number in their label images, -1 for none.
        class_weights: float32 [C], of the loss of each class; None: all alike.
        learning_rate, pretrained: see TrainingTask.
    """

    curves: ClassVar = {"miou": "mean IoU", "pixel_accuracy": "pixel accuracy"}
    curves_axis: ClassVar = "mean IoU, accuracy (validation)"

    def __init__(
        self,
        module: nn.Module,
        record: InputRecord,
        windows: WindowPlan | None,
        labels: list[str],
        validation: list[LabelledImage],
        lookup: NDArray[np.int32],
        class_weights: Tensor | None,
        learning_rate: float,
        pretrained: bool,
    ) -> None:
        super().__init__(module, learning_rate, pretrained, measured_statistics=not pretrained)
        self.record = record
        self.windows = windows
        self.labels = labels
        self.validation = validation
        self.lookup = lookup
        self.class_weights: Tensor | None
        self.register_buffer("class_weights", class_weights)

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        images, classes = batch
        inputs = self.remember(normalise(images, self.record))
        outputs = self.module(inputs)
        losses = {"loss_pixels": self._loss(logits_of(outputs), classes)}
        if isinstance(outputs, dict) and "aux" in outputs:
            losses["loss_auxiliary"] = AUXILIARY * self._loss(outputs["aux"], classes)
        return self.log_losses(losses, len(images))

    def _loss(self, logits: Tensor, classes: Tensor) -> Tensor:
        """Mean over the pixels that have a class; 0 where there is none."""
        losses = F.cross_entropy(
            logits, classes, self.class_weights, ignore_index=NO_CLASS, reduction="none"
        )
        return losses.sum() / (classes != NO_CLASS).sum().clamp(min=1)

    def on_validation_epoch_start(self) -> None:
        self._confusion = Confusion(len(self.labels), [NO_CLASS])
        self._segmenter = TorchSegmenter(self.average.module, self.record, self.windows)

    def validation_step(self, image: NDArray[np.uint8], index: int) -> None:
        truth = true_classes(self.validation[index], self.lookup)
        self._confusion.add(truth, self._segmenter(image))

    def on_validation_epoch_end(self) -> None:
        result = self._confusion.overlap(self.labels)
        self.metrics = {"miou": result.miou, "pixel_accuracy": result.pixel_accuracy}
        self.facts = {"overlap": result.to_dict()}
