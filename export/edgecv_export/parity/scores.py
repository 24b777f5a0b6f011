"""From a network's outputs to the scores of its classes, by torch alone."""

from __future__ import annotations

import torch
from torch import Tensor

from edgecv_export.outputs.score_function import ScoreFunction


def paired(outputs: Tensor, function: ScoreFunction) -> Tensor:
    """[C, ...] as it is; [1, ...] becomes [2, ...], a value for each label: 0 and the logit, or
    1 - p and the probability p."""
    if len(outputs) != 1:
        return outputs
    return torch.cat([1 - outputs if function == "none" else torch.zeros_like(outputs), outputs])


def scores_of(outputs: Tensor, function: ScoreFunction, columns: int) -> Tensor:
    """Scores in 0..1, [C, ...], of paired outputs; ``columns`` are those of the network."""
    if function == "none":
        return outputs
    if columns == 1:
        positive = outputs[1].sigmoid()
        return torch.stack([1 - positive, positive])
    return outputs.softmax(0) if function == "softmax" else outputs.sigmoid()
