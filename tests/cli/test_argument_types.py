"""What the values of options may be: a mistake says what was expected."""

import argparse
import inspect
from pathlib import Path

import pytest

from edgecv.cli.main import build_parser, main
from edgecv.cli.options import argument_types as types

INF = float("inf")
# Function, texts with their values, texts that are refused.
CASES = [
    (types.positive, {"1": 1, "0012": 12}, ["0", "-1", "1.5", "abc", "", "1" * 5000, "٣", "1_0"]),
    (types.count, {"0": 0, "7": 7}, ["-1", "x", "", "1e3", "9" * 20]),
    (types.whole_number, {"0": 0, "-3": -3, "12": 12}, ["x", "", "-", "--1", "1.5", "1" * 30]),
    (types.seed, {"0": 0, "4294967295": 2**32 - 1}, ["-1", "4294967296", "x"]),
    (types.share, {"0": 0, "1": 1, "0.25": 0.25, "1e-3": 0.001}, ["-0.1", "1.1", "nan", "abc"]),
    (types.loss, {"0": 0, "0.01": 0.01}, ["abc", "2", "nan", ""]),
    (types.overlap, {"0": 0, "0.9": 0.9}, ["1", "-0.1", "nan", "abc"]),
    (types.learning_rate, {"0.1": 0.1}, ["0", "1", "nan", "abc"]),
    (types.above_zero, {"0.5": 0.5, "20": 20}, ["0", "inf", "nan", "abc"]),
    (types.not_negative, {"0": 0, "1e5": 100000}, ["-1", "inf", "nan", "abc"]),
    (types.threshold, {"0.5": 0.5, "car=0.3,0.5": "car=0.3,0.5"}, ["abc", "1.5", "0.5,0.4"]),
    (types.height_width, {"240x320": (240, 320)}, ["240", "0x3", "3x", "axb", "1x2x3", "9" * 12]),
    (types.tile_size, {"640": (640, 640), "4x6": (4, 6)}, ["0", "abc", "4x", "6.5"]),
    (types.class_numbers, {"11": (11,), "0,255": (0, 255)}, ["", "a", "1,", "-1", "1;2"]),
    (types.names, {"a": ["a"], "a,b.*": ["a", "b.*"]}, ["", "a,", ",a"]),
    (types.batch, {"dynamic": "dynamic", "8": 8}, ["0", "many", "-1", "1.5"]),
    (types.batch_range, {"4": (4, 4, 4), "1,4,8": (1, 4, 8)}, ["4,1,8", "1,2", "0,1,2", "a", ""]),
    (
        types.size_range,
        {"4x6": ((4, 6),) * 3, "1x2,3x4,5x6": ((1, 2), (3, 4), (5, 6))},
        ["4", "1x2,3x4", "5x6,3x4,1x2", "1x6,2x5,3x7", "abc", ""],
    ),
    (types.compute_capabilities, {"89,8.6": (86, 89), "sm120": (120,)}, ["a", "", "8,", "1" * 9]),
]


def functions():
    """The public ones of the module."""
    own = inspect.getmembers(types, inspect.isfunction)
    return {each for name, each in own if not name.startswith("_")}


def test_every_type_is_tried():
    assert {function for function, _, _ in CASES} == functions()


@pytest.mark.parametrize(("function", "right", "wrong"), CASES, ids=[c[0].__name__ for c in CASES])
def test_values(function, right, wrong):
    for text, value in right.items():
        assert function(text) == value
    for text in wrong:
        with pytest.raises(argparse.ArgumentTypeError, match=r"^expected .*, got '") as caught:
            function(text)
        assert "\n" not in str(caught.value) and str(caught.value).endswith(f"got {text!r}")


def test_every_option_takes_its_type_from_there():
    """Python's own types would say `invalid _share value`."""
    parser = build_parser()
    (commands,) = (each for each in parser._actions if isinstance(each.choices, dict))
    for verb, command in commands.choices.items():
        for action in command._actions:
            assert action.type in {None, Path} | functions(), f"{verb} {action.option_strings}"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "build b -p int8 --gate abc",
            "argument --gate: expected a number from 0 to 1, such as 0.01 for one point, got 'abc'",
        ),
        (
            "predict b i --tile 640 --overlap x",
            "argument --overlap: expected a number from 0 to below 1, got 'x'",
        ),
        (
            "train ssd_tiny -d d -o o --seed -1",
            "argument --seed: expected a whole number from 0 to 4294967295, got '-1'",
        ),
        (
            "export s -o o --batch many",
            "argument -b/--batch: expected a whole number above 0, or dynamic, got 'many'",
        ),
    ],
    ids=lambda value: value.split()[0],
)
def test_the_message_says_what_was_expected(words, expected, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    assert capsys.readouterr().err.startswith(f"edgecv: error: {expected}; see 'edgecv ")
