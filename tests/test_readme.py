"""What the pages show works: commands parse, links lead somewhere, README's Python runs."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv.cli.main import build_parser
from tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/**/*.md")])
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


def test_the_python_runs(tmp_path, monkeypatch, capsys):
    (code,) = (block for language, block in BLOCKS if language == "python")
    write_tiny_bundle(tmp_path / "bundle")
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.full((64, 96, 3), 255, np.uint8))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "['left', 'right']" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "boxes.jpg")).shape == (64, 96, 3)


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
