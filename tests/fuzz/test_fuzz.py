"""A short run of each fuzzer, always on the same files; ``make fuzz`` runs them for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.fuzzing import fuzz
from fuzz.reader import put
from fuzz.readers import READERS

FILES = {"graph_openvino": 6}  # a network takes it a third of a second
MOST_FILES = 80


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_one_line(name: str) -> None:
    assert fuzz(name, 12, lambda number: number < FILES.get(name, MOST_FILES)) is None


@pytest.mark.parametrize("name", READERS)
def test_what_the_fuzzers_begin_with_is_read(name: str, tmp_path: Path) -> None:
    """Else every file of the fuzzer would be refused at its beginning."""
    for number, seed in enumerate(READERS[name].seeds):
        folder = tmp_path / str(number)
        put(folder, {READERS[name].name: seed})
        READERS[name].read(folder)
