"""Errors of an export that are not mistakes of the user."""

from __future__ import annotations

from edgecv_export.report import Report


class ExportError(Exception):
    """The export failed: torch cannot export the model, or engines cannot run what it gives.

    Mistakes of the user (a wrong file, labels that do not fit) are ``edgecv_runtime.InputError``.
    ``report`` says what was measured, where a comparison failed: ``table()``, ``to_dict()``.
    """

    def __init__(self, message: str, report: Report | None = None) -> None:
        super().__init__(message)
        self.report = report


class RefusedError(ExportError):
    """What was made was compared and gives other results than it should, so it was not written."""
