"""What the pages show works: commands parse, links lead somewhere, README's Python runs."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv.cli.main import build_parser, main

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")])
README = (ROOT / "README.md").read_text()
FENCED = r"^```(\w*)\n(.*?)^```"
BLOCKS = re.findall(FENCED, README, re.DOTALL | re.MULTILINE)


def commands_of(page):
    """Those in blocks without a language, but for synopses with brackets, bars and dots."""
    for language, block in re.findall(FENCED, page.read_text(), re.DOTALL | re.MULTILINE):
        for line in "" if language else block.replace("\\\n", " ").splitlines():
            for command in line.split("#")[0].split("&&"):
                if command.strip().startswith("edgecv ") and not set(command) & set("[|…"):
                    yield command.strip()


COMMANDS = sorted({command for page in PAGES for command in commands_of(page)})


def test_there_are_commands():
    assert len(COMMANDS) >= 40


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command):
    assert build_parser().parse_args(shlex.split(command)[1:]).verb == command.split()[1]


@pytest.fixture
def beside_samples(tmp_path, monkeypatch):
    """A current folder that has the repository's samples, and may be written to."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_quick_start_gives_the_image_that_is_shown(beside_samples, capsys):
    (command,) = (line for line in commands_of(ROOT / "README.md") if "cells.bundle" in line)
    assert main(shlex.split(command)[1:]) == 0
    assert re.search(r"BloodImage_00396.jpg: \d+ RBC, .*1 WBC", capsys.readouterr().out)
    (shown,) = re.findall(r"!\[.*\]\((docs/images/cells.jpg)\)", README)
    (image,) = (beside_samples / "out").glob("*.jpg")
    expected = cv2.imread(str(ROOT / shown)).astype(int)
    found = cv2.imread(str(image)).astype(int)
    # Edges may move by a pixel on other processors.
    assert (np.abs(found - expected).max(-1) > 40).mean() < 0.02


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_first_python_runs(page, beside_samples, capsys):
    blocks = re.findall(FENCED, (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    code = next(block for language, block in blocks if language == "python")
    exec(compile(code, page, "exec"), {})
    printed = capsys.readouterr().out
    assert printed.count("'RBC'") >= 10 if page == "README.md" else "<Detections: 1" in printed
    assert cv2.imread("boxes.jpg").shape == (480, 640, 3)


def anchors(path):
    """The names that the headings of a page have, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^):]+)\)", page.read_text()):
        target, _, anchor = link.partition("#")
        found = page.parent / target if target else page
        assert found.exists(), link
        assert not anchor or anchor in anchors(found), link
