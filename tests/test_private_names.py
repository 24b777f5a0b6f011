"""Tests use what the packages offer, no private names of theirs: code can be changed inside.

`edgecv_runtime._core`, the extension, is the exception: it is what the runtime is made of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
OURS = ("edgecv", "edgecv_runtime", "edgecv_export")
FILES = sorted(TESTS.rglob("*.py"))


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_core"


def private_names(tree: ast.AST) -> Iterator[str]:
    """What is imported, `module._name` of an imported module, and `setattr(module, "_name", …)`."""
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            names = [alias.name for alias in node.names]
            yield from (name for name in [*(node.module or "").split("."), *names] if private(name))
            modules |= {alias.asname or alias.name for alias in node.names if alias.name.islower()}
        elif isinstance(node, ast.Import):
            ours = [alias for alias in node.names if alias.name.split(".")[0] in OURS]
            yield from (part for each in ours for part in each.name.split(".") if private(part))
            modules |= {alias.asname or alias.name.split(".")[0] for alias in ours}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            if isinstance(node.value, ast.Name) and node.value.id in modules - {"_core"}:
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            first, *rest = node.args
            if isinstance(first, ast.Constant):  # "edgecv.cli.main.name"
                yield from (part for part in str(first.value).split(".") if private(part))
            elif isinstance(first, ast.Name) and first.id in modules and rest:
                name = rest[0].value if isinstance(rest[0], ast.Constant) else ""
                yield from [f"{first.id}.{name}"] if private(str(name)) else []


def test_private_names_are_found():
    code = """
import edgecv.cli.demo as demo, edgecv_runtime._core, numpy._core
from edgecv_runtime.drawing import lettering
from edgecv_export.parity.dense import _one, two
demo._three()
lettering.four(self._own)
monkeypatch.setattr(lettering, "_five", 1)
monkeypatch.setattr("edgecv.cli.demo._six", 1)
"""
    found = sorted(private_names(ast.parse(code)))
    assert found == ["_one", "_six", "demo._three", "lettering._five"]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(TESTS)) for path in FILES])
def test_tests_use_no_private_names(path):
    assert list(private_names(ast.parse(path.read_text(encoding="utf-8")))) == []
