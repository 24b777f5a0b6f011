"""What the README shows works: its commands parse, its Python runs."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecv.cli.main import build_parser
from tiny_bundle import write_tiny_bundle

README = (Path(__file__).parents[1] / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if line.startswith("edgecv ")
]


def test_there_are_commands():
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command):
    assert build_parser().parse_args(shlex.split(command)[1:]).verb == command.split()[1]


def test_the_python_runs(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    write_tiny_bundle(tmp_path / "bundle")
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.full((64, 96, 3), 255, np.uint8))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "['left', 'right']" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "boxes.jpg")).shape == (64, 96, 3)


@pytest.mark.parametrize("target", re.findall(r"\]\(([^):]+)\)", README))
def test_links_lead_somewhere(target):
    assert (Path(__file__).parents[1] / target).exists()
