"""docs/glossary.md has our words, and uses those of the manifest as the manifest does."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^\| \*\*([\w ]+)\*\* \| (.*) \|$", PAGE, re.MULTILINE))
OURS = ["bundle", "role", "dialect", "cut", "variant", "gate", "tile", "window"]
BUNDLES = sorted(ROOT.glob("tests/golden/*/bundle.json"))


@pytest.mark.parametrize("word", [*OURS, "operating threshold", "engine", "plan"])
def test_it_defines(word):
    assert len(ENTRIES[word]) > 40


def test_words_are_sorted():
    assert list(ENTRIES) == sorted(ENTRIES)


@pytest.mark.parametrize("bundle", BUNDLES, ids=[path.parent.name for path in BUNDLES])
def test_roles_and_dialects_of_real_bundles_are_explained(bundle):
    graphs = json.loads(bundle.read_text(encoding="utf-8"))["graphs"]
    for role, files in graphs.items():
        assert f"`{role}`" in ENTRIES["role"]
        assert all(f"`{file['dialect']}`" in ENTRIES["dialect"] for file in files)
