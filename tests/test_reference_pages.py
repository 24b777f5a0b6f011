"""Reference pages against what they describe: bundle.md, cli.md, python.md."""

import argparse
import json
import re
from pathlib import Path

import pytest

import edgecv
from edgecv.cli.main import build_parser

ROOT = Path(__file__).parents[1]
BUNDLE_PAGE, CLI_PAGE, PYTHON_PAGE = (
    (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in ("bundle.md", "cli.md", "python.md")
)
MANIFEST = json.loads((ROOT / "samples/data/cells.bundle/bundle.json").read_text(encoding="utf-8"))
EXAMPLE = json.loads(re.findall(r"^```json\n(.*?)^```", BUNDLE_PAGE, re.M | re.S)[0])


def section(page, title):
    """From a heading to the next one of its level or above."""
    level = title.index(" ")
    (text,) = re.findall(rf"^{re.escape(title)}\n(.*?)(?=^#{{1,{level}}} |\Z)", page, re.M | re.S)
    return text


def in_first_column(text):
    return set(re.findall(r"^\| `(\w+)` \|", text, re.M))


def test_the_example_of_a_manifest_is_that_of_the_sample():
    shown, real = EXAMPLE.pop("provenance"), MANIFEST["provenance"]
    expected = {key: value for key, value in MANIFEST.items() if key != "provenance"}
    assert list(EXAMPLE.items()) == list(expected.items())

    def part_of(shown, real):
        if not isinstance(shown, dict):
            return shown == real
        return shown and all(part_of(value, real[key]) for key, value in shown.items())

    assert part_of(shown, real) and set(shown) == set(real)


def test_the_keys_of_a_manifest_are_listed():
    keys = in_first_column(section(BUNDLE_PAGE, "## The keys").partition("###")[0])
    assert keys == set(MANIFEST)


@pytest.mark.parametrize("title", ["### `input`", "### `provenance`"])
def test_the_keys_of_an_object_are_listed(title):
    text = section(BUNDLE_PAGE, title)
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", text, re.M))))
    real = set(MANIFEST[title.strip("# `")])
    assert listed >= real and (title != "### `input`" or listed == real)


PARSERS = next(
    action.choices
    for action in build_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
)
SYNOPSES = {
    block.split()[1]: block
    for block in re.findall(r"^```\n(edgecv \w+ (?:.|\n)*?)^```", CLI_PAGE, re.M)
    if set(block) & set("[…")
}
COMMON = section(CLI_PAGE, "## Options of the commands that run a bundle").partition("###")[0]


def test_there_are_synopses():
    commands = {"demo", "models", "predict", "camera", "style", "benchmark", "build", "info"}
    assert set(SYNOPSES) >= {*commands, "doctor"}


@pytest.mark.parametrize("command", sorted(SYNOPSES))
def test_a_synopsis_has_the_options_of_the_command(command):
    """All of them, but for those in the table of common options."""
    in_help = set(re.findall(r"--[a-z][\w-]*", PARSERS[command].format_help())) - {"--help"}
    in_synopsis = set(re.findall(r"--[a-z][\w-]*", SYNOPSES[command]))
    assert in_synopsis <= in_help
    assert in_help - in_synopsis <= set(re.findall(r"--[a-z][\w-]*", COMMON))


def test_the_operations_are_all_listed():
    text = section(PYTHON_PAGE, "## Operations")
    listed = set(re.findall(r"`(\w+)`", text))
    assert listed == set(edgecv.ops.__all__)
