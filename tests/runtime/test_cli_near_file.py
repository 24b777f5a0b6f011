"""Names that are near are told of files that should be there, not of those to be written."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from edgecv.cli.options.files import near_file


@pytest.mark.parametrize(("argument", "expected"), [("data", "did you mean"), ("save", "")])
def test_no_neighbour_is_meant_in_place_of_a_file_to_be_written(
    argument: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "full.part.mp4").touch()
    path = tmp_path / "full.mp4"
    said = near_file(f"{path}: something", argparse.Namespace(**{argument: path}))
    assert said.strip(" (").startswith(expected) and bool(said) == bool(expected)
