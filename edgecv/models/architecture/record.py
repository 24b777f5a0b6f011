"""What is known of an architecture, in one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .catalogue import Task
from .input_record import InputRecord

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Architecture:
    """A network that is known by its name. A family registers one record for each.

    Attributes:
        name: as in the catalogue.
        task: as in the catalogue.
        build: makes a module with fresh weights. It is called with keyword arguments only, which
            are plain values (they go into checkpoints). `num_classes` is one of them, except for
            the task `stylize`; it counts as torchvision's does (with the background of a detector).
        input: the input record of a module, from the module and the arguments it was built with.
        published: downloads the published state dict; None: nothing is published.
        head_layers: prefixes of the parameters that new classes replace; None: the layers whose
            shapes depend on the number of classes (`heads.layers_of_classes`).
        start_head: sets the first weights of a new head; None: Xavier's, with biases of zero.
        backbone_prefix: prefix of the backbone's parameters, if it takes a classifier's weights.
        training_only: prefixes of parameters that only training needs. Weights may lack them.
        frozen_norm_eps: what was added to the variances of the published weights' batch norms, if
            it is another number than the module's own.

    Example:
        >>> registry.register(Architecture("ssd_tiny", "detect", SsdTiny, input=own_input))
    """

    name: str
    task: Task
    build: Callable[..., nn.Module]
    input: Callable[[Any, dict[str, Any]], InputRecord]
    published: Callable[[], dict[str, Tensor]] | None = None
    head_layers: tuple[str, ...] | None = ("head.",)
    start_head: Callable[[Any], None] | None = None
    backbone_prefix: str | None = None
    training_only: tuple[str, ...] = ()
    frozen_norm_eps: float | None = None


def own_input(module: Any, arguments: dict[str, Any]) -> InputRecord:
    """`Architecture.input` of a module that holds its record in its attribute `input`."""
    record: InputRecord = module.input
    return record


def published_by_torchvision(weights: Any) -> Callable[[], dict[str, Tensor]]:
    """`Architecture.published` of a member of torchvision's enumerations of weights."""
    return lambda: dict(weights.get_state_dict(progress=True, check_hash=True))
