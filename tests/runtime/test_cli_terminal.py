"""Text that the terminal cannot show, the order of lines, and Ctrl-C."""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from edgecv.cli.main import VERBS
from edgecv.cli.main import main as edgecv
from helpers.tiny_bundle import write_tiny_bundle

WHITE = np.full((64, 96, 3), 255, np.uint8)
NAMES = ["人", "سيارة🚗"]
COMMAND = [sys.executable, "-m", "edgecv"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    path = write_tiny_bundle(folder / "street") / "bundle.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "labels": NAMES}))
    cv2.imwrite(str(folder / "white.png"), WHITE)
    return folder


def environment(**settings):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    return kept | settings


def escaped(text, encoding):
    return text.encode(encoding, "backslashreplace").decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "settings"),
    [
        ("cp1252", {"PYTHONIOENCODING": "cp1252"}),
        ("ascii", {"PYTHONIOENCODING": "ascii"}),
        ("ascii", {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
        ("utf-8", {"LC_ALL": "C"}),
        ("utf-8", {"PYTHONIOENCODING": "utf-8"}),
    ],
)
@pytest.mark.parametrize("words", ["predict street white.png", "info street"])
def test_labels_of_any_script_on_any_pipe(folder, encoding, settings, words):
    done = subprocess.run(
        [*COMMAND, *words.split()], capture_output=True, cwd=folder, env=environment(**settings)
    )
    assert (done.returncode, done.stderr) == (0, b"")
    for name in NAMES:
        assert escaped(name, encoding) in done.stdout.decode(encoding)


def test_labels_that_are_no_line(tmp_path, capsys):
    path = write_tiny_bundle(tmp_path / "street") / "bundle.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "labels": ["a\nb\x1b[31m", "\r\t\u2028x"]}))
    cv2.imwrite(str(tmp_path / "w.png"), WHITE)
    assert edgecv(["predict", str(path.parent), str(tmp_path / "w.png")]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[1].endswith(": 1 a\\nb\\x1b[31m, 1 \\r\\t\\u2028x") and len(lines) == 4
    assert edgecv(["info", str(path.parent)]) == 0
    assert "  2: a\\nb\\x1b[31m, " in capsys.readouterr().out


def test_a_treatment_that_was_chosen_is_kept(folder):
    done = subprocess.run(
        [*COMMAND, "info", "street"],
        capture_output=True,
        cwd=folder,
        env=environment(PYTHONIOENCODING="ascii:replace"),
    )
    assert done.returncode == 0 and b"labels                   2: ?, " in done.stdout


def test_names_that_are_no_text_are_printed(folder):
    name = b"caf\xe9.png"
    with open(os.path.join(os.fsencode(folder), name), "wb") as file:
        file.write(cv2.imencode(".png", WHITE)[1].tobytes())
    done = subprocess.run(
        [*COMMAND, "predict", "street", name],
        capture_output=True,
        cwd=folder,
        env=environment(PYTHONUTF8="1"),
    )
    assert done.returncode == 0 and b"\ncaf\\udce9.png: 1 " in done.stdout


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 50])
def test_lines_come_in_the_order_of_the_inputs(tmp_path, batch, capsys):
    bundle = write_tiny_bundle(tmp_path / "tiny")
    photos = tmp_path / "photos"
    photos.mkdir()
    broken = {0, 3, 4, 8, 11}
    for number in range(12):
        content = b"broken" if number in broken else cv2.imencode(".png", WHITE)[1].tobytes()
        (photos / f"{number:02}.png").write_bytes(content)
    status = edgecv(["predict", str(bundle), str(photos), "--json", "--batch", str(batch)])
    assert status == 2
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["source"] for record in records] == [str(p) for p in sorted(photos.iterdir())]
    assert {n for n, record in enumerate(records) if "error" in record} == broken


class Interrupting:
    """Stands for a command that Ctrl-C comes into."""

    def __init__(self, by):
        self.by = by

    def run(self, args):
        signal.raise_signal(self.by)
        time.sleep(10)


ARGUMENTS = {
    "train": ["ssd_tiny", "--data", "d", "--out", "o"],
    "eval": ["m", "--data", "d"],
    "export": ["s", "--out", "o"],
    "build": ["b"],
    "wrap": ["m", "--manifest", "f", "--out", "o"],
    "style": ["a", "b", "--out", "o"],
    "predict": ["b", "p"],
    "camera": ["b"],
    "benchmark": ["b"],
    "info": ["b"],
}


@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("verb", VERBS)
def test_an_interrupted_command_says_130(verb, by, monkeypatch, capsys):
    module = importlib.import_module(f"edgecv.cli.{verb}")
    monkeypatch.setattr(module, "run", Interrupting(getattr(signal, by)).run)
    assert edgecv([verb, *ARGUMENTS.get(verb, [])]) == 130
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_while_it_starts(monkeypatch, capsys):
    main = importlib.import_module("edgecv.cli.main")
    monkeypatch.setattr(main, "build_parser", lambda: signal.raise_signal(signal.SIGINT))
    assert edgecv(["info", "b"]) == 130
    assert capsys.readouterr() == ("", "")


ENDLESS = """
import sys
from edgecv.cli import benchmark
from edgecv.cli.main import main
load = benchmark.load_model
benchmark.load_model = lambda args: (load(args), print("ready", flush=True))[0]
sys.exit(main("benchmark street --runs 100000000 --image white.png".split()))
"""


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_from_a_terminal(folder, by):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(by)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 130


EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m"


def test_names_of_strangers_steer_no_terminal(folder, tmp_path):
    """Escape codes in the names of the bundle, its labels, the image, and in arguments."""
    bundle = tmp_path / "evil"
    shutil.copytree(folder / "street", bundle)
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest |= {"name": f"n{EVIL}\nedgecv: done", "architecture": f"a{EVIL}\nx"}
    manifest["labels"] = [f"{label}{EVIL}\nx" for label in manifest["labels"]]
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    image = tmp_path / f"p{EVIL}\nq.png"
    cv2.imwrite(str(tmp_path / "p.png"), np.full((32, 48, 3), 255, np.uint8))
    (tmp_path / "p.png").rename(image)
    (tmp_path / f"bad{EVIL}\nx.png").write_bytes(b"no image")
    for arguments in (
        ["info", bundle],
        ["predict", bundle, tmp_path],
        ["predict", bundle, f"none{EVIL}\nx.png"],
        ["predict", f"b{EVIL}\nx", image],
        ["benchmark", bundle, "--runs", "1"],
        [f"verb{EVIL}\nx"],
        ["info", bundle, f"--option{EVIL}\nx"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "edgecv", *map(str, arguments)], capture_output=True
        )
        for output in (done.stdout, done.stderr):
            text = output.decode()
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), (arguments, text)
            assert b"Traceback" not in output
            # Nothing of a name stands at the beginning of a line.
            assert not re.search(r"^(edgecv: done|x\b|q\.png)", text, re.MULTILINE), text


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the output")
def test_a_closed_standard_output_is_no_fault(folder):
    for command in ("info", "--version", "doctor"):
        arguments = [command, folder / "street"] if command == "info" else [command]
        done = subprocess.run(
            ["sh", "-c", '"$0" -m edgecv "$@" >&-', sys.executable, *map(str, arguments)],
            capture_output=True,
        )
        assert b"Traceback" not in done.stderr and b"internal" not in done.stderr
        assert done.returncode in (0, 2)
