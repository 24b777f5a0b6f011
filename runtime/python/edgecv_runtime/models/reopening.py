"""A model that goes to another process: what is sent of it, and what it says when it cannot go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgecv_runtime._core import BundleError, EngineError, InputError

if TYPE_CHECKING:
    from edgecv_runtime.models.model import Model


@dataclass(frozen=True)
class Origin:
    """How :func:`edgecv.load` was called, and what it found."""

    load: Callable[..., Any]  # itself
    path: str  # absolute
    options: Mapping[str, Any]  # engine, device, precision, threads, as they were given
    manifest: str  # the bundle's, as JSON


def reopen(origin: Origin, settings: Mapping[str, Any], **chosen: Any) -> Any:
    """Loads the bundle again, here, with the settings that the model had.

    Raises:
        BundleError: it is not there, or another one is.
        EngineError: the engine is not there.
    """
    model = origin.load(origin.path, **{**origin.options, **chosen})
    if model.manifest.to_json() != origin.manifest:
        raise BundleError(
            f"{origin.path} is another bundle than the one that this model was loaded from: "
            "load it again"
        )
    for name, value in settings.items():
        setattr(model, name, value)
    return model


def reopen_after_fork(model: Model[Any]) -> Any:
    """The model of a forked child, whose engine's threads stayed in the parent process.

    Raises:
        EngineError: it cannot be loaded again here.
    """
    if model.origin is None:
        raise EngineError(
            "this model was made from engines before the process forked, and their threads stayed "
            "behind: make it in the child process, or start processes by spawn"
        )
    if (model.engine_name, model.device) != ("onnxruntime", "cpu"):
        raise EngineError(
            f"this model was loaded before the process forked, and {model.engine_name} on "
            f"{model.device} does not survive that: start processes by spawn, or load it in the "
            "child process only"
        )
    chosen = {"engine": model.engine_name, "device": "cpu", "precision": model.precision}
    return reopen(model.origin, model.settings(), **chosen)


def pickled(model: Model[Any]) -> tuple[Any, ...]:
    """For ``__reduce__``. Raises InputError for a model that `edgecv.load` did not make."""
    if model.origin is None:
        raise InputError(
            "this model was made from engines that were open already, so it cannot be pickled or "
            "copied: use one from edgecv.load"
        )
    return reopen, (model.origin, model.settings())
