"""The folder of a run: whether one may begin or go on there, and its record. No torch."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.data.reading.text import MAX_TEXT, read_json
from edgecv_runtime import InputError
from edgecv_runtime.files.whole import is_draft, write_file

if TYPE_CHECKING:
    from .settings import Settings

RECORD = "run.json"
STATE = "last.ckpt"
# What a run has only after its first epoch. A record alone is of a run that died before.
_RESULTS = ("last.pt", "best.pt", "metrics.csv")


def check_out(out: Path, resume: bool) -> bool:
    """Whether the run in `out` is to go on: there is a complete epoch, and `resume` is asked for.

    A run begins in a folder that is not there, is empty, or holds one that died before the end of
    its first epoch; then with `resume`, too. Any other folder is left alone.

    Raises InputError if a run may not begin or resume here.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; expected a folder for the run: give another `out`")
    record = out / RECORD
    if resume and not record.is_file():
        raise InputError(
            f"{out}: nothing to resume: no run (no {RECORD}); start without `resume=True`"
        )
    if resume and (out / STATE).is_file():
        return True
    if not record.is_file():
        if out.exists() and not all(is_draft(path.name) for path in out.iterdir()):
            raise InputError(
                f"{out}: is not empty and holds no run (no {RECORD}), so it is left alone: give "
                "another `out`"
            )
    elif (out / STATE).exists():
        raise InputError(
            f"{out}: holds a run; use `resume=True` to go on with it, or another `out`"
        )
    elif any((out / name).exists() for name in _RESULTS):
        raise InputError(
            f"{out}: holds a run without {STATE}, so it cannot go on, and it is left alone: give "
            "another `out`"
        )
    return False


def recorded(out: Path) -> dict[str, Any]:
    """The record of the run in `out`, as in JSON: its settings and what `write_record` adds.

    Raises InputError if it is broken.
    """
    content = read_json(out / RECORD, MAX_TEXT)
    if not isinstance(content, dict):
        raise InputError(f"{out / RECORD}: expected a JSON object; start with another `out`")
    return content


def _in_words(value: Any) -> Any:
    return "left out" if value is None else value


def check_settings(settings: Settings, out: Path, done: int) -> None:
    """Checks that the run in `out`, of which `done` epochs are complete, may go on.

    Raises:
        InputError: its settings were others; the number of epochs may be another one, as long as it
            is not below those that are complete.
    """
    before = recorded(out)
    wanted = json.loads(json.dumps(asdict(settings)))
    changed = [
        f"{key} was {_in_words(before.get(key))}, is {_in_words(value)}"
        for key, value in wanted.items()
        if key != "epochs" and before.get(key) != value
    ]
    if changed:
        raise InputError(f"{out}: cannot resume with other settings: {'; '.join(changed)}")
    if settings.epochs < done:
        raise InputError(
            f"{out}: {done} epochs are done; to go on give more than {done}, got "
            f"`epochs={settings.epochs}`"
        )


def write_record(
    out: Path, settings: Settings, in_effect: dict[str, Any], versions: dict[str, str]
) -> None:
    """Writes run.json: the settings as they were given (null: left to edgecv), under `in_effect`
    the values that were used, under `versions` those of the packages."""
    content = {**asdict(settings), "in_effect": in_effect, "versions": versions}
    write_file(out / RECORD, json.dumps(content, indent=2) + "\n")
