"""Architectures by name. A family registers its builders; nobody else spells out names."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from edgecv_runtime import InputError

from .architecture.catalogue import CATALOGUE, Task, known

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
    "torchvision_classifiers",
    "torchvision_segmentation",
    "fcn_resnet18",
)

_builders: dict[str, Callable[..., nn.Module]] = {}
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
    bundle.json). What depends on the classes is in its `head`, or its `head_layers` gives the
    prefixes of the parameters.

    Where there are such, `training_only` has prefixes of parameters that only training needs (they
    may lack in weights), `trunk_prefix` the prefix of a trunk that takes a classifier's weights,
    and `windows` the plan of the crops that cover a picture, as in bundle.json.

    `default_weights` fetches the published state dict, where there is one.
    """

    def add(builder: Builder) -> Builder:
        if name not in CATALOGUE or CATALOGUE[name].task != task:
            raise ValueError(f"{name}, {task}: not so in edgecv.models.architecture.catalogue")
        _builders[name] = builder
        if default_weights is not None:
            _default_weights[name] = default_weights
        return builder

    return add


def _load_families() -> None:
    for family in _FAMILIES:
        importlib.import_module(f"{__package__}.{family}")


def names() -> list[str]:
    """Names of all architectures, sorted. Loads no torch."""
    return sorted(CATALOGUE)


def _builder(architecture: str) -> Callable[..., nn.Module]:
    task_of(architecture)  # before torch is loaded
    _load_families()
    if architecture not in _builders:
        raise InputError(f"{architecture} is not in this torchvision: install a newer one")
    return _builders[architecture]


def task_of(architecture: str) -> Task:
    """What the architecture is for; loads no torch. Raises InputError if it is unknown."""
    if architecture not in CATALOGUE:
        raise InputError(f"unknown architecture {architecture!r}; {known(architecture)}")
    return CATALOGUE[architecture].task


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


def counts_background(architecture: str) -> bool:
    """Whether `num_classes` counts a background that no label names: so it is with detectors."""
    return task_of(architecture) in ("detect", "instance")


@contextlib.contextmanager
def without_weights() -> Iterator[None]:
    """Modules made inside have shapes, but no memory for their weights.

    Not `torch.device("meta")`, under which architectures fail that compute with numbers in tensors
    while they are built.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    without_content = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}

    class Shapes(TorchFunctionMode):
        def __torch_function__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None):  # type: ignore[no-untyped-def]
            if function in without_content:
                kwargs = {**(kwargs or {}), "device": "meta"}
            return function(*args, **(kwargs or {}))

    with Shapes():
        yield


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
