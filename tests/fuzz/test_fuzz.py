"""A short run of each fuzzer, always on the same files; ``make fuzz`` runs them for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.fuzzing import fuzz
from fuzz.readers import READERS

FILES = 80


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_one_line(name: str) -> None:
    assert fuzz(name, 12, lambda number: number < FILES) is None


@pytest.mark.parametrize("name", READERS)
def test_what_the_fuzzers_begin_with_is_read(name: str, tmp_path: Path) -> None:
    """Else every file of the fuzzer would be refused at its beginning."""
    path = tmp_path / READERS[name].name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(READERS[name].seeds[0])
    READERS[name].read(tmp_path)
