"""docs/tracking.md: what it shows runs, one after another, and its tables are complete."""

import inspect
import json
import re
import shlex
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

import edgecv
from edgecv.cli.main import main
from edgecv_runtime.zones.report import ZoneCount, ZoneEvent
from test_readme import FENCED

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tracking.md").read_text(encoding="utf-8")


def blocks(language):
    found = re.findall(FENCED, PAGE, re.DOTALL | re.MULTILINE)
    return [block for each, block in found if each == language]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_five_minutes(folder, capsys):
    make_video, python, live = blocks("python")
    exec(compile(make_video, "make_video.py", "exec"), {})
    (folder / "zones.json").write_text(blocks("json")[0])
    predict, camera = blocks("")[0].splitlines()
    assert main(shlex.split(predict)[1:]) == 0
    lines = (folder / "tracked" / "cells.jsonl").read_text().splitlines()
    assert len(lines) == 60 and (folder / "tracked" / "cells.mp4").stat().st_size > 10_000
    last = json.loads(lines[-1])
    inwards = last["lines"]["middle"]["RBC"]["in"]
    assert inwards >= 3 and last["lines"]["middle"]["RBC"]["out"] == 0
    capsys.readouterr()
    assert main(shlex.split(camera)[1:]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(printed) == 60 and printed[-1]["lines"]["middle"]["RBC"]["in"] >= 3
    exec(compile(python, "count.py", "exec"), {})
    *events, count = capsys.readouterr().out.splitlines()
    assert count == f"{inwards} cells went to the left"
    crossings = [line for line in events if re.fullmatch(r"\d+ ms: RBC \d+ in middle", line)]
    assert len(crossings) == inwards
    exec(compile(live, "live.py", "exec"), {})
    by_source = {"0": [], "1": []}
    for line in capsys.readouterr().out.splitlines():
        source, _, ids_and_line = line.partition(" ")
        by_source[source].append(ids_and_line)
    assert by_source["0"] == by_source["1"] and len(by_source["0"]) == 60
    assert by_source["0"][-1].endswith(f"LineCount(inwards={inwards}, outwards=0)")


def test_the_schema_is_what_is_written():
    shown = json.loads(blocks("json")[1])
    assert set(shown) == {"zones", "lines", "events"}
    counts = shown["zones"]["door"]["classes"]["person"]
    assert list(counts) == [each.name for each in fields(ZoneCount)]
    assert counts["occupancy"] == (
        counts["entries"] + counts["appeared"] - counts["exits"] - counts["vanished"]
    )
    assert list(shown["events"][0]) == [each.name for each in fields(ZoneEvent)]


def test_the_parameters_are_listed():
    listed = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.partition("| parameter |")[2], re.M)
    parameters = inspect.signature(edgecv.Tracker).parameters
    defaults = {name: each.default for name, each in parameters.items() if name != "kind"}
    defaults["low_threshold"] = edgecv.Tracker().low_threshold
    shown = {name: text for name, text in listed if name in defaults}
    assert {name: float(text.strip("`").replace("True", "1")) for name, text in shown.items()} == {
        name: float(value) for name, value in defaults.items()
    }


def test_the_program_in_cpp_compiles(tmp_path):
    (code,) = blocks("cpp")
    compiler = shutil.which("c++")
    assert compiler is not None
    include, body = code.split("\n", 1)
    around = "edgecv::Detector& detector, const edgecv::Image& image, double seconds"
    source = tmp_path / "page.cpp"
    source.write_text(f"{include}\nlong count({around}) {{\n{body}\nreturn people;\n}}\n")
    done = subprocess.run(
        [compiler, "-std=c++17", "-fsyntax-only", f"-I{ROOT}/runtime/include", str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
