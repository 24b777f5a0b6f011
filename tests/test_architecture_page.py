"""docs/architecture.md: its paths exist, its rooms are all of them, its rule is the one tested."""

import re
from pathlib import Path

import pytest

from test_imports import ROOMS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TOPS = "edgecv|export|runtime|tests|samples|docs|benchmarks"
PATHS = sorted(set(re.findall(rf"(?<![\w./(])(?:{TOPS})/[\w./]*\w/?", PAGE)))
# Folders whose folders are rooms.
HOUSES = (
    "edgecv",
    "export/edgecv_export",
    "runtime",
    "runtime/include/edgecv",
    "runtime/src",
    "runtime/python/edgecv_runtime",
)
NO_ROOMS = {"__pycache__", "cmake", "old_paths"}  # packaging, and names that are going


def test_paths_are_found():
    assert len(PATHS) >= 60
    assert {"edgecv/models/", "tests/test_imports.py"} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path):
    found = ROOT / path
    assert found.is_dir() if path.endswith("/") else found.is_file(), path


def holds_sources(folder):
    return any(path.suffix in {".py", ".hpp", ".cpp", ".xz"} for path in folder.rglob("*"))


@pytest.mark.parametrize("house", HOUSES)
def test_every_room_is_named(house):
    rooms = {
        f"{house}/{path.name}/"
        for path in (ROOT / house).iterdir()
        if path.is_dir() and path.name not in NO_ROOMS and holds_sources(path)
    }
    named = {room for room in rooms if any(path.startswith(room) for path in PATHS)}
    assert rooms and not rooms - named


def test_what_may_import_what_is_what_is_tested():
    """The table of edgecv_export's rooms against the rule of test_imports."""
    row = r"^\| `export/edgecv_export/(\w+)/` \|([\w, ]*)\|[^|]*\|$"
    table = {
        room: set(allowed.replace(",", " ").split())
        for room, allowed in re.findall(row, PAGE, re.MULTILINE)
    }
    assert table == {room: set(below) & set(ROOMS) for room, below in ROOMS.items()}
