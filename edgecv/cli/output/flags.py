"""Messages of the library name parameters; on the command line they are options.

A message has a parameter in backticks: `` `overwrite=True` ``. Here it becomes the option of the
command that runs: ``--overwrite``. Anything else stays as it is.

Example:
    with running(commands, "train"):
        in_flags("use a larger `batch_size`")  # use a larger --batch-size
"""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Iterator, Mapping

_PARAMETER = re.compile(r"`((?:[A-Z]\w*\.)?[a-z]\w*)(?:=([^`]*))?`")
# Parameters whose options have other names: here with the name of their record, if they have one.
_OTHER_NAMES = {
    "ShapeWishes.batch": "engine_batch",
    "compute_capabilities": "compute_capability",
    "workspace_mib": "workspace",
    "compatibility": "hardware_compatibility",
    "quantization": "calibrate",
    "Quantization.images": "calibrate",
    "Quantization.method": "calibration",
    "Gate.limit": "gate",
    "GraphOptions.input_dtype": "input",
    "WindowOptions.size": "crop",
    "WindowOptions.weight": "window",
}
# Parameters that are several options, of commands without one option of that name.
_SEVERAL = {"split": ("train_split", "val_split")}
Commands = Mapping[str, argparse.ArgumentParser]
_running: list[tuple[Commands, str]] = []  # a demo runs other commands inside


@contextlib.contextmanager
def running(commands: Commands, verb: str) -> Iterator[None]:
    """While it lasts, messages are about the options of the command `verb`."""
    _running.append((commands, verb))
    try:
        yield
    finally:
        _running.pop()


def in_flags(message: object, command: str | None = None) -> str:
    """The message, with options in place of parameters: of the command that runs, or of another
    one that is to be run next."""
    if not _running:
        return str(message)
    commands, verb = _running[-1]
    options = {action.dest: action for action in commands[command or verb]._actions}

    def option(found: re.Match[str]) -> str:
        name, value = found[1], found[2]
        last = name.rpartition(".")[2]
        dest = _OTHER_NAMES.get(name) or _OTHER_NAMES.get(last) or last
        if dest in options:
            return _with_value(options[dest], value)
        several = [options[each] for each in _SEVERAL.get(dest, ()) if each in options]
        return " and ".join(_with_value(each, None) for each in several) or found[0]

    return _PARAMETER.sub(option, str(message))


def _with_value(action: argparse.Action, value: str | None) -> str:
    if not action.option_strings:
        return str(action.metavar or action.dest)
    name = next(each for each in action.option_strings if each.startswith("--"))
    if value is None or action.nargs == 0:
        return name
    return f"{name} " + value.strip("\"'")
