"""Architectures by name. A family registers its builders; nobody else spells out names."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from edgecv_runtime import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

Builder = TypeVar("Builder", bound=Callable[..., Any])

_FAMILIES = (
    "ssd_tiny",
    "torchvision_ssd",
    "torchvision_rcnn",
    "torchvision_dense",
    "maskrcnn_mobilenet",
    "style_transform",
)
Task = Literal["classify", "detect", "instance", "segment", "stylize"]

_builders: dict[str, Callable[..., nn.Module]] = {}
_tasks: dict[str, Task] = {}
_default_weights: dict[str, Callable[[], dict[str, Tensor]]] = {}


def register(
    name: str,
    default_weights: Callable[[], dict[str, Tensor]] | None = None,
    *,
    task: Task = "detect",
) -> Callable[[Builder], Builder]:
    """Makes the decorated class or function the builder of an architecture.

    It is called with keyword arguments only, which must be plain values (they go into checkpoints);
    `num_classes` is one of them, but for `stylize`, and counts as torchvision's does (the
    background of a detector included). The module has its input record in `input` (a dict as in
    bundle.json), a detector its predictors in `head`.

    `default_weights` fetches the published state dict, where there is one.
    """

    def add(builder: Builder) -> Builder:
        _builders[name] = builder
        _tasks[name] = task
        if default_weights is not None:
            _default_weights[name] = default_weights
        return builder

    return add


def _load_families() -> None:
    for family in _FAMILIES:
        importlib.import_module(f"{__package__}.{family}")


def names() -> list[str]:
    """Names of all architectures, sorted."""
    _load_families()
    return sorted(_builders)


def _builder(architecture: str) -> Callable[..., nn.Module]:
    _load_families()
    if architecture not in _builders:
        raise InputError(f"unknown architecture {architecture!r}; there are {', '.join(names())}")
    return _builders[architecture]


def task_of(architecture: str) -> Task:
    """What the architecture is for. Raises InputError if it is unknown."""
    _builder(architecture)
    return _tasks[architecture]


def create(architecture: str, **arguments: Any) -> nn.Module:
    """A module with freshly initialised weights; its attribute `architecture` is the name.

    Raises:
        InputError: an unknown architecture, or arguments that the builder refuses.
    """
    builder = _builder(architecture)
    try:
        module = builder(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"{architecture}: {error}") from error
    module.architecture = architecture  # type: ignore[assignment]
    return module


def accepts(architecture: str, argument: str) -> bool:
    """Whether the builder names this argument, such as `size`. Raises InputError as `create`."""
    return argument in inspect.signature(_builder(architecture)).parameters


def has_classes(architecture: str) -> bool:
    """Whether it is made for a number of classes. Raises InputError as `create`."""
    return task_of(architecture) != "stylize"


def default_weights(architecture: str) -> dict[str, Tensor]:
    """The published state dict. Raises InputError where there is none or it cannot be fetched."""
    _load_families()
    if architecture not in _default_weights:
        raise InputError(f"{architecture} has no default weights; use --weights none or a file")
    try:
        return _default_weights[architecture]()
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash a RuntimeError
        raise InputError(
            f"default weights of {architecture} cannot be downloaded ({error}); download them "
            "where there is a network and pass the file with --weights"
        ) from error
