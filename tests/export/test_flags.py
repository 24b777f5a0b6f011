"""The library names parameters, the command line its options."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from edgecv.cli.main import build_parser
from edgecv.cli.output import flags
from edgecv.cli.output.flags import with_flags

EXPORT = Path(__file__).parents[2] / "export" / "edgecv_export"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("give `overwrite=True` to replace it", "give --overwrite to replace it"),
        ("give `weights=FILE`, or `weights=none`", "give --weights FILE, or --weights none"),
        ('with `dialects=["onnx", "tensorrt"]`', "with --dialects onnx,tensorrt"),
        ("raise `limit`: no `num_classes`", "raise --gate: no --num-classes"),
        ("set the module's `input`, overwrite=True", "set the module's `input`, overwrite=True"),
    ],
)
def test_parameters_become_options(message: str, expected: str) -> None:
    assert with_flags(message) == expected


def test_each_option_is_one() -> None:
    (commands,) = (a for a in build_parser()._actions if isinstance(a.choices, dict))
    parsers = [commands.choices[name] for name in ("export", "build")]
    known = {option for parser in parsers for option in parser._option_string_actions}
    assert set(flags._OPTIONS.values()) <= known


def test_the_library_names_no_option() -> None:
    named = [
        f"{path.name}:{node.lineno}"
        for path in EXPORT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"(?<!\S)--[a-z]", node.value)
    ]
    assert named == []
