"""Settings of a model that have names: what is written into them reaches the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class LiveItems(dict[str, Any]):
    """A setting as it is now. An item that is set here is set in the model, too:
    ``model.thresholds["person"] = 0.6``."""

    def __init__(self, items: Mapping[str, Any], change: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(items)
        self._change = change

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, *items: Any, **named: Any) -> None:
        """Like `dict.update`. Raises InputError for what the model does not take."""
        changes = dict(*items, **named)
        self._change(changes)
        super().update(changes)

    def __ior__(self, items: Any) -> LiveItems:  # type: ignore[override,misc]
        self.update(items)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # a copy elsewhere is of no model
