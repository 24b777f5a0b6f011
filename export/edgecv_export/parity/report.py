"""What a parity check reports, whatever the family."""

from __future__ import annotations

from typing import Any, Protocol


class Report(Protocol):
    """The differences between the model in torch and the whole runtime."""

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
