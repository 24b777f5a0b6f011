"""What goes wrong in an export through no mistake of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecv_export.parity.report import Report


class ExportError(Exception):
    """The export failed: torch cannot export the model, or the bundle gives other results.

    Mistakes of the user (a wrong file, labels that do not fit) are ``edgecv_runtime.InputError``.
    ``report`` says what was measured, where a comparison failed: ``table()``, ``to_dict()``.
    """

    def __init__(self, message: str, report: Report | None = None) -> None:
        super().__init__(message)
        self.report = report
