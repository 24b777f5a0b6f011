"""Thresholds and classes by name, in Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgecv
from edgecv.cli.main import main
from edgecv.cli.options.classes import class_names, class_scores
from edgecv_runtime import InputError
from helpers.tiny_bundle import write_tiny_bundle

ODD = ["car", "car, red", "a=b", "a", "1", "0.5"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("car", ["car"]),
        ("car,a", ["car", "a"]),
        ("car, red,a=b", ["car, red", "a=b"]),
        ("a=b,car, red", ["a=b", "car, red"]),
        ("1,0.5", ["1", "0.5"]),
    ],
)
def test_names_with_commas_and_equals_signs(text: str, names: list[str]) -> None:
    assert class_names(text, ODD) == names


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        (0.3, dict.fromkeys(ODD, 0.3)),
        ("car=0.3", {"car": 0.3}),
        ("car=0.3,0.5", dict.fromkeys(ODD, 0.5) | {"car": 0.3}),
        ("0.5,car=0.3", dict.fromkeys(ODD, 0.5) | {"car": 0.3}),
        ("car, red=0.2,a=b=1", {"car, red": 0.2, "a=b": 1.0}),
        ("a=0.1,a=b=0.2", {"a": 0.1, "a=b": 0.2}),
        ("0.5=0.1,0.5", dict.fromkeys(ODD, 0.5) | {"0.5": 0.1}),
    ],
)
def test_scores_by_name(text: Any, scores: dict[str, float]) -> None:
    assert class_scores(text, ODD) == scores


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat=0.3", '--threshold cat=0.3: no class "cat", expected some of car, car, red, a=b'),
        ("car=3", "--threshold car=3: expected a number from 0 to 1, got '3'"),
        ("car=", "expected a number from 0 to 1, got ''"),
        ("car=0.1,", "expected a number from 0 to 1, got ''"),
        ("car=0.1,car=0.2", '"car" is given twice'),
        ("car=0.1,0.2,0.3", "a number without a name is given twice"),
    ],
)
def test_what_is_no_threshold(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        class_scores(text, ODD)
    assert message in str(caught.value)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    image = tmp_path / "white.png"
    cv2.imwrite(str(image), np.full((32, 48, 3), 255, np.uint8))  # left 0.9, right 0.6
    return write_tiny_bundle(tmp_path / "bundle"), image


def test_a_model_reports_some_classes(files: tuple[Path, Path]) -> None:
    model: Any = edgecv.load(files[0])
    assert model.classes is None
    model.classes = ["right"]
    assert model.classes == ("right",) and model(files[1]).labels.tolist() == [1]
    model.thresholds = {"right": 0.7}  # in any order
    assert len(model(files[1])) == 0
    model.thresholds = 0.1
    assert model(files[1]).labels.tolist() == [1]
    model.classes = None
    assert model(files[1]).labels.tolist() == [0, 1]
    assert model.thresholds == {"left": 0.1, "right": 0.1}
    for value, message in (
        ("right", 'expected a list of names, got "right"'),
        (["up"], 'expected some of left, right, got "up"'),
        ([], "expected some of left, right, got none"),
    ):
        with pytest.raises(InputError, match=message):
            model.classes = value


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ([], [0, 1]),
        (["--threshold", "0.7"], [0]),
        (["--threshold", "right=0.7"], [0]),
        (["--threshold", "left=0.95,0.5"], [1]),
        (["--threshold", "left=0.95,right=0.65"], []),
        (["--classes", "right"], [1]),
        (["--classes", "right,left", "--threshold", "left=0.95"], [1]),
    ],
)
def test_predict(files: tuple[Path, Path], capsys: Any, options: Any, labels: list[int]) -> None:
    assert main(["predict", str(files[0]), str(files[1]), "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)["detections"]
    assert [each["label"] for each in found] == labels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "up=0.7"], 'no class "up", expected some of left, right'),
        (["--threshold", "left=0.7x"], "expected a number from 0 to 1, got '0.7x'"),
        (["--classes", "left,up"], '--classes left,up: no class "up"'),
    ],
)
def test_predict_refuses(files: tuple[Path, Path], capsys: Any, options: Any, message: str) -> None:
    assert main(["predict", str(files[0]), str(files[1]), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
