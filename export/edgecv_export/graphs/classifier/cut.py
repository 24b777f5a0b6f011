"""A classifier, cut."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from edgecv.models.architecture.input_record import InputRecord, imagenet_record, input_of
from edgecv_export.graphs.cut import CutRequest, Kind
from edgecv_export.graphs.input_records import require_plain
from edgecv_export.graphs.probe import class_logits, outputs_of
from edgecv_export.outputs.score_function import ScoreFunction, usual_function
from edgecv_runtime import InputError


@dataclass
class ClassifierCut:
    """See `graphs.cut.Cut`."""

    module: nn.Module  # float32 [B, 3, h, w], normalised -> [B, columns]
    columns: int  # scores of an image
    input: InputRecord
    function: ScoreFunction  # what turns them into scores in 0..1

    task: ClassVar[Literal["classify"]] = "classify"

    @property
    def classes(self) -> int:
        """One score decides between two."""
        return max(self.columns, 2)


def _size(record: InputRecord | None) -> tuple[int, int] | None:
    """Height and width of the network's input; None where the record does not say."""
    sides = record and (record["crop"] or record["size"])
    return None if sides is None or len(sides) != 2 else (int(sides[0]), int(sides[1]))


def _matches(module: nn.Module) -> bool:
    size = _size(input_of(module))
    outputs = outputs_of(module) if size is None else outputs_of(module, size)
    return class_logits(outputs) is not None


def cut_classifier(module: nn.Module, request: CutRequest) -> ClassifierCut:
    if request.size is not None:
        raise InputError(
            "a classifier's input has the size in its input record: leave out size, or set the "
            "module's input"
        )
    record = input_of(module)
    if record is None:
        record = imagenet_record()
        warnings.warn(
            f"{type(module).__name__} has no input record, so that of most of torchvision's "
            "classifiers is taken (shorter side 256, centre 224x224, ImageNet's mean and std): "
            "set the module's `input` to another where it is wrong",
            stacklevel=2,
        )
    require_plain(record)
    size = _size(record)
    if size is None:
        raise InputError(
            f"{type(module).__name__}'s input record has neither size nor crop as [height, width]; "
            "a classifier's needs one"
        )
    logits = class_logits(outputs_of(module, size))
    if logits is None:
        raise InputError(f"{type(module).__name__} does not take images of {size}")
    # The graph's size, written out.
    record = {**record, "crop": list(size)}
    columns = int(logits.shape[1])
    return ClassifierCut(module, columns, record, usual_function(columns))


CLASSIFIER = Kind(
    _matches, "a classifier (a module that gives a tensor [B, classes])", cut_classifier
)
