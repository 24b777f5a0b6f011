"""Training of classifiers: cross-entropy, accuracy on the validation images."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from edgecv.data.class_folder import ClassificationData
from edgecv.models.architecture.input_record import InputRecord

from ..preprocessing import normalise
from ..run.task import TrainingTask
from .accuracy import accuracy, counts_five
from .torch_classifier import TorchClassifier

AUXILIARY = 0.3  # weight of the losses of further classifiers (arXiv 1409.4842)


class ClassificationTask(TrainingTask):
    """Trains a classifier, float32 [B, 3, h, w] -> logits [B, C].

    Args:
        module: made by `registry.create`; `record` is its input record. In training it may give
            further logits beside the first ones.
        validation: the images for the accuracy, classes as indices of its labels.
        learning_rate, pretrained: see TrainingTask.
    """

    curves: ClassVar = {"top1": "top-1 accuracy", "top5": "top-5 accuracy"}
    curves_axis: ClassVar = "accuracy (validation)"

    def __init__(
        self,
        module: nn.Module,
        record: InputRecord,
        validation: ClassificationData,
        learning_rate: float,
        pretrained: bool,
    ) -> None:
        super().__init__(module, learning_rate, pretrained, measured_statistics=not pretrained)
        self.record = record
        self.validation = validation
        self._scores: list[NDArray[np.float32]] = []

    @property
    def columns(self) -> list[str]:
        return ["top1", "top5"] if counts_five(self.validation.labels) else ["top1"]

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        images, classes = batch
        inputs = self.remember(normalise(images, self.record))
        outputs = self.module(inputs)
        # torchvision's GoogLeNet and Inception give a named tuple, the first entry is the answer.
        first, *further = [outputs] if isinstance(outputs, Tensor) else outputs
        losses = {"loss_classes": F.cross_entropy(first, classes)}
        if further:
            extra = torch.stack([F.cross_entropy(logits, classes) for logits in further]).sum()
            losses["loss_auxiliary"] = AUXILIARY * extra
        return self.log_losses(losses, len(images))

    def on_validation_epoch_start(self) -> None:
        self._scores = []
        self._classifier = TorchClassifier(self.average.module, self.record)

    def validation_step(self, image: NDArray[np.uint8], _index: int) -> None:
        self._scores.append(self._classifier(image))

    def on_validation_epoch_end(self) -> None:
        result = accuracy(self._scores, self.validation.classes, self.validation.labels)
        self.metrics = {"top1": result.top1}
        if result.top5 is not None:
            self.metrics["top5"] = result.top5
        self.facts = {"accuracy": result.to_dict()}
