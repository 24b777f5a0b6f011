"""Weights saved from frozen batch norm, such as those of torchvision's two-stage detectors."""

from __future__ import annotations

from torch import Tensor, nn

_COUNT = ".num_batches_tracked"


def accept_frozen_norm(
    module: nn.Module, state_dict: dict[str, Tensor], eps: float | None
) -> dict[str, Tensor]:
    """The weights, completed by what frozen batch norm does not save.

    Frozen batch norm does not save the count of batches, which evaluation does not need.

    Args:
        eps: what was added to the variances when the weights were trained. If they have no count at
            all, the module's batch norms are set to it. None: they stay.
    """
    own = module.state_dict()
    counts = {key: value for key, value in own.items() if key.endswith(_COUNT)}
    if not counts or any(key in state_dict for key in counts):
        return state_dict
    if not all(f"{key.removesuffix(_COUNT)}.running_var" in state_dict for key in counts):
        return state_dict
    for part in module.modules():
        if eps is not None and isinstance(part, nn.BatchNorm2d):
            part.eps = eps
    return {**state_dict, **counts}
