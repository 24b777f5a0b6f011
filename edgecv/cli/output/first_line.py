"""What a command that runs a bundle says first: what runs on what."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from edgecv_runtime.one_line import printable

if TYPE_CHECKING:
    from edgecv_runtime.models.model import Model


def say_what_runs(
    model: Model[Any],
    args: argparse.Namespace,
    batch: int,
    say: Callable[[str, TextIO], object],
) -> None:
    """One line, on stdout or, with ``--json``, on stderr; `say` prints it."""
    text = (
        f"{args.bundle}: {model.manifest.architecture}, engine {model.engine_name}, device "
        f"{model.device}, precision {model.precision}, batch {batch}"
    )
    say(printable(text), sys.stderr if args.json else sys.stdout)
