"""What was measured where two forms of a model were compared."""

from __future__ import annotations

from typing import Any, Protocol


class Report(Protocol):
    """The differences between a model and what was made of it."""

    @property
    def passed(self) -> bool: ...

    def failure(self) -> str:
        """Why the check was not passed, in one line."""
        ...

    def table(self) -> str:
        """For a person: what was found, and what is allowed."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the manifest's provenance."""
        ...
