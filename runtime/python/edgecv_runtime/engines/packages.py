"""The Python packages of engines, imported when an engine is opened."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from edgecv_runtime._core import EngineError
from edgecv_runtime.one_line import joined


def import_package(name: str, how_to_install: str) -> Any:
    """The module of an engine.

    Args:
        name: of the module, and of its package on PyPI.
        how_to_install: a command, for the message.

    Raises:
        EngineError: the package is not installed, or cannot be imported.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise EngineError(f"{name} is not installed: {how_to_install}") from error
    except ImportError as error:  # built for another NumPy, or a library is not there
        raise EngineError(
            f"{name} is installed, but cannot be imported ({joined(error)}): "
            f"pip install --upgrade {name}"
        ) from error
