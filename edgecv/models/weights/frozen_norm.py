"""Weights saved from frozen batch norm, as torchvision's pretrained two-stage detectors have it."""

from __future__ import annotations

from torch import Tensor, nn

_COUNT = ".num_batches_tracked"


def accept_frozen_norm(module: nn.Module, state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights, completed by what frozen batch norm does not save.

    It keeps no count of batches, which means nothing in evaluation. Where the weights have none at
    all, and the module says in ``frozen_norm_eps`` what was added to variances when they were
    trained, its batch norms are set to that.
    """
    own = module.state_dict()
    counts = {key: value for key, value in own.items() if key.endswith(_COUNT)}
    if not counts or any(key in state_dict for key in counts):
        return state_dict
    if not all(f"{key.removesuffix(_COUNT)}.running_var" in state_dict for key in counts):
        return state_dict
    eps = getattr(module, "frozen_norm_eps", None)
    for part in module.modules():
        if eps is not None and isinstance(part, nn.BatchNorm2d):
            part.eps = float(eps)
    return {**state_dict, **counts}
