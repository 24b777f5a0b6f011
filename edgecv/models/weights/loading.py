"""Loads weights into modules of the registry, after checking that they fit."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from edgecv.data.reading.split_report import shortened
from edgecv_runtime import InputError
from edgecv_runtime.one_line import printable

from .. import registry
from ..architecture.heads import in_head, initialise_head
from ..style_transform import StyleTransform
from .files import COUNTER, aligned, read_state_dict
from .frozen_norm import accept_frozen_norm
from .usable import require_finite, require_real


def infer_num_classes(
    architecture: str, state_dict: dict[str, Tensor], source: str = "the weights"
) -> int:
    """The class count that the shapes of the weights give, as the builder counts.

    Raises:
        InputError: the weights are of another architecture.
    """
    with registry.without_weights():
        two = registry.create(architecture, num_classes=2).state_dict()
        three = registry.create(architecture, num_classes=3).state_dict()
    state_dict = aligned(state_dict, two)
    optional = registry.find(architecture).training_only
    key = next(k for k in two if two[k].shape != three[k].shape and not k.startswith(optional))
    if key not in state_dict:
        names = shortened(list(state_dict), 2)
        raise InputError(
            f"{source}: not of {architecture}: there is no {key}, but {names}; name their "
            "architecture (edgecv models lists them), or make an ONNX file with what made them, "
            "and a bundle of that with edgecv wrap"
        )
    per_class = three[key].shape[0] - two[key].shape[0]
    count, rest = divmod(state_dict[key].shape[0], per_class)
    if rest or count < 2:
        raise InputError(
            f"{source}: not of {architecture}: {key} has {state_dict[key].shape[0]} rows, "
            f"expected a multiple of {per_class}"
        )
    return count


def load_weights(module: nn.Module, source: str | Path, new_head: bool = False) -> str | None:
    """Loads `none`, `default` (the published weights) or a file into a module of the registry.

    Args:
        module: made by `registry.create`.
        new_head: where the class count differs, keep the module's own head (see
            `heads.in_head`) and load the rest.

    Returns:
        A note for the user if the head was kept, else None.

    Raises:
        InputError: the weights cannot be read or downloaded, or do not fit; the message names the
            keys or shapes.

    Example:
        >>> module = registry.create("resnet18", num_classes=3)
        >>> print(load_weights(module, "resnet18.pth", new_head=True))
    """
    if source == "none":
        return None
    if source == "default":
        state_dict = registry.default_weights(registry.architecture_of(module).name)
    else:
        state_dict = read_state_dict(source)
    return fit_state_dict(module, state_dict, str(source), new_head)


def fit_state_dict(
    module: nn.Module, state_dict: dict[str, Tensor], source: str, new_head: bool = False
) -> str | None:
    """`load_weights` for a state dict."""
    require_finite(state_dict, source)
    record = registry.architecture_of(module)
    architecture = record.name
    own = module.state_dict()
    counting = " (background included)" if registry.counts_background(architecture) else ""
    # Before names are aligned: a classifier's layers with `backbone.` in front would not be all.
    if new_head and (backbone := _backbone_of(own, record.backbone_prefix, state_dict)):
        require_real(backbone, own, source)
        module.load_state_dict(backbone, strict=False)
        return f"{source} has weights of the backbone: they are kept, the head is new"
    state_dict = accept_frozen_norm(module, aligned(state_dict, own), record.frozen_norm_eps)
    if isinstance(module, StyleTransform):
        state_dict = module.accept_weights(state_dict)
    # What only training needs may be missing.
    optional = record.training_only
    lacking = {
        key: own[key]
        for key in own
        if key not in state_dict and (key.startswith(optional) or key.endswith(COUNTER))
    }
    state_dict = {**state_dict, **lacking}
    missing = [key for key in own if key not in state_dict]
    unexpected = [key for key in state_dict if key not in own]
    if missing or unexpected:
        parts = [
            f"{len(keys)} {what} (such as {printable(keys[0])})"
            for what, keys in (("missing", missing), ("unexpected", unexpected))
            if keys
        ]
        raise InputError(
            f"{source}: weights of another architecture than {architecture}: keys "
            + " and ".join(parts)
        )
    require_real(state_dict, own, source)
    differing = [key for key in own if own[key].shape != state_dict[key].shape]
    if not differing:
        module.load_state_dict(state_dict)
        return None
    key = differing[0]
    shapes = f"{key} is {list(state_dict[key].shape)}, expected {list(own[key].shape)}"
    if not all(in_head(module, key) for key in differing):
        raise InputError(f"{source}: weights of another shape than this {architecture}: {shapes}")
    if not new_head:
        raise InputError(
            f"{source}: weights for {infer_num_classes(architecture, state_dict)} classes"
            f"{counting}, not for this {architecture}'s "
            f"{infer_num_classes(architecture, own)}: {shapes}"
        )
    backbone = {key: value for key, value in state_dict.items() if not in_head(module, key)}
    module.load_state_dict(backbone, strict=False)
    initialise_head(module)
    return (
        f"{source} has {infer_num_classes(architecture, state_dict)} classes, the data "
        f"{infer_num_classes(architecture, own)}{counting}: backbone kept, head new"
    )


def _backbone_of(
    own: dict[str, Tensor], prefix: str | None, state_dict: dict[str, Tensor]
) -> dict[str, Tensor] | None:
    """The weights of a classifier as those of the backbone; None if they are not a classifier's.

    Args:
        own: the module's own weights.
        prefix: of the names of its backbone's weights; None: it does not take a classifier's.
    """
    if prefix is None or any(key.startswith(prefix) for key in state_dict):
        return None
    own = {k: v for k, v in own.items() if k.startswith(prefix)}
    for theirs in ("", "features."):  # the backbone of a MobileNet has this name
        found = {key: state_dict.get(theirs + key.removeprefix(prefix)) for key in own}
        fitting = {k: v for k, v in found.items() if v is not None and v.shape == own[k].shape}
        if len(fitting) == len(own):
            return fitting
    return None
