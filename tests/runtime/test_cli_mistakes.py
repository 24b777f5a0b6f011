"""Mistakes on the command line: found at once, said in one line, with the nearest right word."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from edgecv.cli.main import VERBS, build_parser
from edgecv.cli.main import main as edgecv
from edgecv.cli.train import OPTIONS_OF_TASKS
from helpers.tiny_bundle import write_tiny_bundle

# Whoever loads one of these before the arguments are checked lets the user wait for seconds.
SLOW = ("torch", "torchvision", "lightning", "onnx", "cv2", "matplotlib")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    write_tiny_bundle(folder / "street")
    (folder / "photo.jpg").touch()
    (folder / "names.txt").touch()
    (folder / "photos").mkdir()
    (folder / "best.pt").touch()
    (folder / "run").mkdir()
    (folder / "run" / "best.pt").touch()
    return folder


MISTAKES = [
    (
        "predict street --helpp",
        "unknown option --helpp (did you mean --help?); see 'edgecv predict",
    ),
    ("predict --treshold 0.4", "unknown option --treshold (did you mean --threshold?)"),
    ("predict street photo.jpg -x", "unknown option -x; see 'edgecv predict --help'"),
    ("predct street", "unknown command predct (did you mean predict?); see 'edgecv --help'"),
    ("--zzz predict", "unknown option --zzz; see 'edgecv --help'"),
    ("zzz", "unknown command zzz; expected one of demo, models, train,"),
    ("train ssd_tiny --data photos --out new --lrr 1", "(did you mean --lr?); see 'edgecv train"),
    (
        "train ssd_tinny --data photos --out new",
        "unknown architecture 'ssd_tinny'; did you mean",
    ),
    (
        "train ssd_tiny --out new",
        "the following arguments are required: -d/--data; see '",
    ),
    ("train ssd_tiny --data photo --out new", "photo: no such folder; expected a data set: "),
    ("train ssd_tiny --data photoss --out new", "(did you mean photos?)"),
    (
        "train ssd_tiny --data photos --out new --crop 9x9",
        "--crop does not apply to ssd_tiny",
    ),
    ("train resnet18 --data photos --out new --style a.png", "--style does not apply to resnet18"),
    ("train fcn_resnet18 --data photos --out new --labels name.txt", "(did you mean names.txt?)"),
    (
        "train ssd_tiny --data photos --out new --weights no.pth",
        "no.pth: no such file; expected",
    ),
    (
        "train style_transform --data photos --out new --style p.jpg",
        "p.jpg: no such file; expected",
    ),
    ("train ssd_tiny --data photos --out new --epochs 0", "expected a whole number above 0, got"),
    ("export bst.pt --out new", "bst.pt: no such checkpoint or architecture; expected a file"),
    ("export bst.pt --out new", "(did you mean best.pt?)"),
    ("export resnet18 --out new", "resnet18 needs weights: give --weights FILE"),
    ("export resnet18 --out new --weights none", "with --weights none needs --num-classes"),
    ("export style_transform --out new --weights none --num-classes 3", "has no classes"),
    ("export best.pt --out new --weights none", "best.pt is a checkpoint, which has its weights"),
    ("export best.pt --out new --labels name.txt", "name.txt: no such file; expected a text file"),
    ("export resnet18 --out new --weights gone.pth", "gone.pth: no such file; expected weights"),
    ("export best.pt --out photos/..", "is not empty"),
    ("eval bets.pt --data photos", "bets.pt: no such file; expected a checkpoint such as"),
    ("eval best.pt --data fotos", "fotos: no such folder; expected a data set"),
    ("eval best.pt --data fotos", "(did you mean photos?)"),
    ("style photo.jpg gone.jpg --out new.png", "gone.jpg: no such file; expected an image"),
    ("style photo.jpg photo.jpg --out new.txt", "--out new.txt: expected an image's name such as"),
    (
        "predict stret photo.jpg",
        "stret does not exist: expected the folder or .zip of a bundle",
    ),
    ("predict street foto.jpg", "foto.jpg: no such file or folder (did you mean photo.jpg?)"),
    ("wrap gone.onnx --manifest names.txt --out new", "gone.onnx: no such file; expected an ONNX"),
    ("wrap photo.jpg --manifest name.txt --out new", "(did you mean names.txt?)"),
    ("wrap photo.jpg --manifest names.txt --out photos/..", "is not empty and not a bundle"),
    ("build stret --precision fp16", "stret"),
    ("build street", "nothing to build: bundles have fp32 graphs"),
    ("build street --precision int8", "int8 needs "),
    ("build street --precision fp16 --calibrate gone", "--calibrate: gone is not a folder"),
    ("build street --batch 3", "--batch is for --engine tensorrt and tensorrt_rtx"),
    ("benchmark stret", "(did you mean street?)"),
    ("benchmark street --image photo.jpeg", "photo.jpeg: cannot be read: No such file"),
    ("benchmark street --runs 0", "expected a whole number above 0"),
    ("camera stret --no-show", "(did you mean street?)"),
    ("demo --out photos/..", "is not empty"),
    ("doctor --selftest", "unknown option --selftest (did you mean --self-test?)"),
    ("predict run photo.jpg", "(did you mean run/best.pt?)"),
    ("eval run --data photos", "(did you mean run/best.pt?)"),
    ("export run --out new", "(did you mean run/best.pt?)"),
    ("info run", "(did you mean run/best.pt?)"),
    ("info stret", "(did you mean street?)"),
    ("models --filter resnett18", "--filter resnett18: no architecture; did you mean resnet18"),
]

CODE = f"""
import sys, importlib.abc

class Refuses(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {SLOW}:
            raise AssertionError("imports " + name)

sys.meta_path.insert(0, Refuses())
from edgecv.cli.main import main
for line in sys.stdin:
    try:
        status = main(line.split())
    except SystemExit as left:
        status = left.code
    print(status, flush=True)
    print("---", file=sys.stderr, flush=True)
"""


@pytest.fixture(scope="module")
def answers(folder):
    """Exit status and stderr of each mistake, where nothing slow can be imported."""
    lines = "\n".join(words for words, _ in MISTAKES)
    done = subprocess.run(
        [sys.executable, "-c", CODE], input=lines, capture_output=True, text=True, cwd=folder
    )
    return list(zip(done.stdout.split(), done.stderr.split("---\n")[:-1], strict=True))


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=[words for words, _ in MISTAKES])
def test_mistakes_are_found_before_anything_slow_is_loaded(answers, number):
    status, stderr = answers[number]
    assert MISTAKES[number][1] in stderr
    assert status == "2" and stderr.startswith("edgecv: error: ") and stderr.count("\n") == 1


def test_no_parser_loads_anything_slow():
    code = CODE.split("from edgecv")[0] + "from edgecv.cli.main import build_parser\n"
    code += "build_parser().format_help()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_command(verb, capsys):
    with pytest.raises(SystemExit) as left:
        edgecv([verb, "--help"])
    assert left.value.code == 0 and f"usage: edgecv {verb}" in capsys.readouterr().out


def test_options_of_a_task_are_settings_of_that_task_only():
    from edgecv.training.run.settings import recipe_of

    examples = {
        "detect": "ssd_tiny",
        "instance": "maskrcnn_resnet50_fpn",
        "classify": "resnet18",
        "segment": "fcn_resnet18",
        "stylize": "style_transform",
    }
    known = {
        task: {field.name for field in fields(recipe_of(name).SETTINGS)}
        for task, name in examples.items()
    }
    for option, tasks in OPTIONS_OF_TASKS.items():
        assert {task for task in known if option in known[task]} == set(tasks), option


def test_abbreviations_values_that_look_like_options_and_short_ones():
    parse = build_parser().parse_args
    args = parse(["predict", "b", "a.jpg", "--thresh", "0.25", "-b", "4", "-s", "out"])
    assert (args.threshold, args.batch, args.save) == (0.25, 4, Path("out"))
    assert parse(["predict", "b", "a.jpg", "-t0.25"]).threshold == 0.25
    assert parse(["camera", "b", "-i", "gst://x ! --appsink"]).source == ["gst://x ! --appsink"]
    assert parse(["predict", "b", "--", "--odd.jpg"]).sources == ["--odd.jpg"]
    args = parse(["train", "ssd_tiny", "-d", "d", "-o", "o", "-n", "3", "-b", "2", "-w", "none"])
    assert (args.data, args.epochs, args.batch_size, args.weights) == ("d", 3, 2, "none")
    assert parse(["style", "a", "b", "-o", "c", "--seed", "-3"]).seed == -3


def test_models_lists_what_can_be_trained(capsys):
    assert edgecv(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["architecture", "task", "input", "parameters"]
    assert len(lines) == 102
    rows = {line.split()[0]: line for line in lines[1:]}
    assert rows["resnet18"].split() == ["resnet18", "classify", "224x224", "11.7", "M"]
    assert edgecv(["models", "-f", "SEGMENT"]) == 0
    assert {line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]} == {"segment"}
    assert edgecv(["models", "--json", "--filter", "ssd_tiny"]) == 0
    expected = (
        '{"name": "ssd_tiny", "task": "detect", "input": "from the data", "parameters": 3039036}\n'
    )
    assert capsys.readouterr().out == expected


def test_python_m_edgecv(folder):
    done = subprocess.run(
        [sys.executable, "-m", "edgecv", "info", "street", "--jsn"],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "edgecv: error: unknown option --jsn (did you mean --json?); see 'edgecv info --help'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "edgecv", "--version"], capture_output=True, text=True, cwd=os.sep
    )
    assert done.returncode == 0 and done.stdout.startswith("edgecv ")
