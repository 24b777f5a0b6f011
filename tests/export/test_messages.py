"""Messages of the library name parameters, in backticks; the command line names its options."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from edgecv.cli.main import build_parser
from edgecv.cli.output.flags import in_flags, running

EXPORT = Path(__file__).parents[2] / "export" / "edgecv_export"
TEXTS = [
    (f"{path.relative_to(EXPORT)}:{node.lineno}", node.value)
    for path in sorted(EXPORT.rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
]


def test_the_library_names_no_option() -> None:
    named = [where for where, text in TEXTS if re.search(r"(?<![\w-])--[a-z]", text)]
    assert named == []


def test_what_it_names_is_an_option() -> None:
    parser = build_parser()
    assert parser.commands is not None and parser.commands.choices is not None
    for message, command, expected in (
        ("give `overwrite=True` to replace it", "export", "give --overwrite to replace it"),
        (
            "give `weights=FILE` and `num_classes`",
            "export",
            "give --weights FILE and --num-classes",
        ),
        ("`GraphOptions.input_dtype=uint8`: the", "export", "--input uint8: the"),
        ("export with `dialects=onnx`, or", "export", "export with --dialects onnx, or"),
        ("raise `Gate.limit`, or `force=True`", "build", "raise --gate, or --force"),
        ("give `quantization=DIR`", "build", "give --calibrate DIR"),
        ("`ShapeWishes.batch`: the graph", "build", "--batch: the graph"),
        ("`ShapeWishes.batch`: the graph", "export", "--engine-batch: the graph"),
        ("name them with `compute_capabilities`", "build", "name them with --compute-capability"),
        ("or a smaller `workspace_mib`", "build", "or a smaller --workspace"),
    ):
        with running(dict(parser.commands.choices), command):
            assert in_flags(message) == expected
        named = re.findall(r"`[^`]+`", message)
        assert all(
            any(each.split("=")[0].rstrip("`") in text for _, text in TEXTS) for each in named
        )
