"""Architectures by name. Each family registers its records; no other module lists names."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgecv_runtime import InputError

from .architecture.catalogue import CATALOGUE, Task, known
from .architecture.input_record import InputRecord
from .architecture.record import Architecture

if TYPE_CHECKING:
    from torch import Tensor, nn

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

_architectures: dict[str, Architecture] = {}


def register(architecture: Architecture) -> None:
    """Makes an architecture known. It has to be in the catalogue, with the same task."""
    name, task = architecture.name, architecture.task
    if name not in CATALOGUE or CATALOGUE[name].task != task:
        raise ValueError(f"{name}, {task}: not so in edgecv.models.architecture.catalogue")
    _architectures[name] = architecture


def _load_families() -> None:
    for family in _FAMILIES:
        importlib.import_module(f"{__package__}.{family}")


def names() -> list[str]:
    """Names of all architectures, sorted. Loads no torch."""
    return sorted(CATALOGUE)


def find(name: str) -> Architecture:
    """The record of an architecture.

    Raises InputError if it is unknown, or not in this torchvision.
    """
    task_of(name)  # before torch is loaded
    _load_families()
    if name not in _architectures:
        raise InputError(f"{name} is not in this torchvision: install a newer one")
    return _architectures[name]


def task_of(architecture: str) -> Task:
    """What the architecture is for; loads no torch. Raises InputError if it is unknown."""
    if architecture not in CATALOGUE:
        raise InputError(f"unknown architecture {architecture!r}; {known(architecture)}")
    return CATALOGUE[architecture].task


def create(architecture: str, **arguments: Any) -> nn.Module:
    """A module with fresh weights.

    Two attributes stay with it: `architecture` is the name, `input` the input record.

    Example:
        >>> module = registry.create("ssd_tiny", num_classes=3, size=(256, 320))

    Raises:
        InputError: an unknown architecture, or arguments that the builder refuses.
    """
    record = find(architecture)
    try:
        module = record.build(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"{architecture}: {error}") from error
    vars(module).update(architecture=architecture, input=record.input(module, arguments))
    return module


def input_of(module: nn.Module) -> InputRecord:
    """The input record of a module that `create` made."""
    record: InputRecord = vars(module)["input"]
    return record


def architecture_of(module: nn.Module) -> Architecture:
    """The record of a module that `create` made. Raises InputError for any other module."""
    name = vars(module).get("architecture")
    if name is None:
        raise InputError(
            f"{type(module).__name__}: not an architecture that edgecv knows by name; expected a "
            "module made by registry.create"
        )
    return find(name)


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
        def __torch_function__(
            self, function: Any, _: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if function in without_content:
                kwargs = {**(kwargs or {}), "device": "meta"}
            return function(*args, **(kwargs or {}))

    with Shapes():
        yield


def accepts(architecture: str, argument: str) -> bool:
    """Whether the builder names this argument, such as `size`. Raises InputError as `create`."""
    return argument in inspect.signature(find(architecture).build).parameters


def has_classes(architecture: str) -> bool:
    """Whether it is made for a number of classes. Raises InputError as `create`."""
    return task_of(architecture) != "stylize"


def default_weights(architecture: str) -> dict[str, Tensor]:
    """The published state dict. Raises InputError if it does not exist or cannot be downloaded."""
    published = find(architecture).published
    if published is None:
        raise InputError(f"{architecture} has no default weights; use `weights='none'` or a file")
    try:
        return published()
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash a RuntimeError
        raise InputError(
            f"default weights of {architecture} cannot be downloaded ({error}); download them "
            "where there is a network and pass the file as `weights`"
        ) from error
