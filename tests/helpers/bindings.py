"""What there is in Python bindings: classes, members and signatures, looked at or recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "golden" / "bindings"
# Prints, as JSON: class -> member -> first line of its documentation, which is its signature.
DESCRIBE = """
import ctypes, importlib, json, sys
name, *libraries = sys.argv[1:]
for library in libraries:
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
module = importlib.import_module(name)
def first(thing):
    return ((getattr(thing, "__doc__", None) or "").strip().splitlines() or [""])[0]
found = {"": {key: first(getattr(module, key)) for key in dir(module)}}
for key in dir(module):
    thing = getattr(module, key)
    if isinstance(thing, type):
        found[key] = {m: first(getattr(thing, m)) for m in dir(thing) if not m.startswith("__")}
print(json.dumps(found))
"""
Described = dict[str, dict[str, str]]


def recorded(name: str) -> Described:
    """As tests/golden/make_bindings.py has written it."""
    described: Described = json.loads((RECORDED / f"{name}.json").read_text())
    return described


def describe(
    module: str, path: Path | None = None, libraries: list[Path] | None = None
) -> Described:
    """Classes and members of a module, looked at in a process of its own."""
    code = (
        DESCRIBE if path is None else f"import sys; sys.path.insert(0, {str(path)!r})\n{DESCRIBE}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, module, *map(str, libraries or [])],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    described: Described = json.loads(done.stdout)
    return described
