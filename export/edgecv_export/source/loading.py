"""What SOURCE means: a checkpoint, an architecture's name, or pkg.module:factory."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.models.architecture.catalogue import CATALOGUE, known
from edgecv_export.options import Origin
from edgecv_export.source.labels import published_labels
from edgecv_export.source.users_code import raised_in
from edgecv_runtime import Error, InputError

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass
class Source:
    """A model with its weights and everything that the bundle records about where it is from."""

    module: nn.Module
    architecture: str
    labels: list[str] | None  # without the background; None: nobody knows the names
    provenance: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def origin(self) -> Origin:
        """What the bundle records of it."""
        return Origin(self.architecture, self.provenance)


def load_source(source: str, weights: str | None = None, num_classes: int | None = None) -> Source:
    """Builds the model.

    Args:
        source: path of a checkpoint of ours, an architecture's name, or ``pkg.module:factory`` (a
            callable that returns a model; the current directory is importable).
        weights: ``none``, ``default`` (the published ones) or a file. A checkpoint has its own; a
            factory's model is taken as it comes if left out.
        num_classes: the background included; inferred from the weights if left out. A factory gets
            it as an argument.

    Raises:
        InputError: there is no such source, or the weights do not fit it.
    """
    check_source(source, weights, num_classes)
    if source in CATALOGUE:
        return _load_architecture(source, weights, num_classes)
    if os.path.isfile(source):
        return _load_checkpoint(Path(source))
    return _load_factory(source, weights, num_classes)


def check_source(source: str, weights: str | None, num_classes: int | None) -> None:
    """Raises InputError as `load_source` does, for what can be said without torch."""
    if source in CATALOGUE:
        _check_architecture(source, weights, num_classes)
    elif os.path.isfile(source):
        if weights is not None or num_classes is not None:
            raise InputError(
                f"{source} is a checkpoint, which has its weights and classes: leave out "
                "`weights` and `num_classes`, or give the architecture's name in its place"
            )
    elif ":" not in source or os.path.exists(source):
        raise InputError(
            f"{source}: no such checkpoint or architecture; expected a file, pkg.module:factory, "
            f"or an architecture; {known(source)}"
        )


def _check_architecture(name: str, weights: str | None, num_classes: int | None) -> None:
    task = CATALOGUE[name].task
    if weights is None:
        raise InputError(
            f"{name} needs weights: give `weights=FILE`, `weights=default` (the published ones) or "
            "`weights=none` (random)"
        )
    if num_classes is not None and task == "stylize":
        raise InputError(f"{name} has no classes: leave out `num_classes`")
    if weights == "none":
        if num_classes is None and task != "stylize":
            counting = ", the background included" if task in ("detect", "instance") else ""
            raise InputError(f"{name} with `weights=none` needs `num_classes`{counting}")
    elif weights != "default" and not os.path.isfile(weights):
        found = "is a folder" if os.path.isdir(weights) else "no such file"
        raise InputError(f"{weights}: {found}; expected weights (.pth, .pt, .safetensors, .npz)")


def _load_checkpoint(path: Path) -> Source:
    from edgecv.models.weights.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(path)
    return Source(
        checkpoint.module(),
        checkpoint.architecture,
        list(checkpoint.labels),
        {"checkpoint": _identity(path), **_label_images(checkpoint.training)},
    )


def _label_images(training: dict[str, Any]) -> dict[str, Any]:
    """What `edgecv eval` has to know about the numbers in label images, of segmentation only."""
    settings = training.get("settings") or {}
    ignored, names = settings.get("ignore_index"), settings.get("labels")
    if not ignored and names is None:
        return {}
    file = None if names is None else Path(names).name  # not where it lay
    return {"settings": {"ignore_index": list(ignored or ()), "labels": file}}


def _load_architecture(name: str, weights: str | None, num_classes: int | None) -> Source:
    from edgecv.models import registry
    from edgecv.models.weights.files import read_state_dict
    from edgecv.models.weights.loading import fit_state_dict, infer_num_classes

    assert weights is not None
    classified = registry.has_classes(name)
    if weights == "none":
        origin: dict[str, Any] = {"weights": "none"}
        arguments = {"num_classes": num_classes} if classified else {}
        module = registry.create(name, **arguments)
    else:
        default = weights == "default"
        state = registry.default_weights(name) if default else read_state_dict(weights)
        if classified:
            num_classes = num_classes or infer_num_classes(
                name, state, f"{name}'s published weights" if default else weights
            )
        arguments = {"num_classes": num_classes} if classified else {}
        module = registry.create(name, **arguments)
        fit_state_dict(module, state, f"{name}'s published weights" if default else weights)
        origin = {"weights": "default"} if default else {"checkpoint": _identity(Path(weights))}
    result = Source(module, name, None if classified else [], origin)
    published = published_labels(registry.task_of(name), num_classes or 0)
    if published is not None:
        dataset, result.labels = published
        result.notes.append(
            f"labels are those of {dataset}, as torchvision numbers its {num_classes} classes"
        )
    return result


def _load_factory(source: str, weights: str | None, num_classes: int | None) -> Source:
    from torch import nn

    from edgecv.models.weights.usable import require_finite_module

    if weights == "default":
        raise InputError(
            f"{source} has no published weights: give `weights=FILE`, or leave it out where the "
            "factory loads its own"
        )
    factory = _find_factory(source)
    arguments = {} if num_classes is None else {"num_classes": num_classes}
    try:
        inspect.signature(factory).bind(**arguments)
    except TypeError as error:
        raise InputError(
            f"{source} cannot be called with {arguments or 'no arguments'}: {error}; "
            "it is given `num_classes` where that is set, and nothing else"
        ) from error
    try:
        module: Any = factory(**arguments)
    except Error:
        raise
    except Exception as error:
        raise raised_in(source, error) from error
    if not isinstance(module, nn.Module):
        raise InputError(
            f"{source} returned {'nothing' if module is None else f'a {type(module).__name__}'}; "
            "expected a torch.nn.Module, as a factory's last line returns it"
        )
    origin: dict[str, Any] = {"factory": source}
    if weights not in (None, "none"):
        from edgecv.models.weights.files import read_state_dict

        _fit(module, read_state_dict(weights), f"{weights} does not fit {source}")
        origin["checkpoint"] = _identity(Path(weights))
    require_finite_module(module, weights if weights not in (None, "none") else source)
    return Source(module, type(module).__name__, None, origin)


def _find_factory(source: str) -> Callable[..., nn.Module]:
    module_name, _, name = source.partition(":")
    # As with `python -m`; an installed command does not look into the current directory.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        if (
            isinstance(error, ModuleNotFoundError)
            and error.name is not None
            and f"{module_name}.".startswith(f"{error.name}.")
        ):
            raise InputError(
                f"{source}: no module {error.name!r}, neither installed nor in {os.getcwd()}"
            ) from error
        raise raised_in(module_name, error) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"{source}: {module_name} has no {name!r}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{source} is not callable; expected a function that returns the model")
    factory: Callable[..., nn.Module] = found
    return factory


def _fit(module: nn.Module, state: dict[str, Tensor], problem: str) -> None:
    from edgecv.models.weights.files import COUNTER, aligned
    from edgecv.models.weights.usable import require_real

    own = module.state_dict()
    state = aligned(state, own)
    state |= {key: own[key] for key in own if key not in state and key.endswith(COUNTER)}
    require_real(state, own, problem)
    for key in (*own, *state):
        if key not in state:
            raise InputError(f"{problem}: it lacks {key}")
        if key not in own:
            raise InputError(f"{problem}: the model has no {key}")
        if own[key].shape != state[key].shape:
            raise InputError(
                f"{problem}: {key} is {list(state[key].shape)}, the model's is "
                f"{list(own[key].shape)}; another class count?"
            )
    module.load_state_dict(state)


def _identity(path: Path) -> dict[str, str]:
    return {"file": path.name, "sha256": sha256(path.read_bytes()).hexdigest()}
