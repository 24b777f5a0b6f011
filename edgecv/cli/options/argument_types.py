"""What the values of options are: each function takes the text of one and gives the value, or says
what was expected.

Example:
    parser.add_argument("--size", type=height_width)  # 240x320 gives (240, 320)
"""

from __future__ import annotations

import argparse
import re
from itertools import pairwise
from typing import NoReturn

MOST_DIGITS = 18  # of a whole number: no option needs more than 63 bits


def positive(text: str) -> int:
    """A whole number above 0."""
    value = _whole(text)
    return value if value > 0 else _refuse("a whole number above 0", text)


def count(text: str) -> int:
    """A whole number, 0 or more."""
    value = _whole(text)
    return value if value >= 0 else _refuse("a whole number from 0", text)


def whole_number(text: str) -> int:
    """A whole number; it may be negative."""
    value = _whole(text.removeprefix("-"))
    if value < 0:
        _refuse("a whole number", text)
    return -value if text.startswith("-") else value


def seed(text: str) -> int:
    """A whole number of 32 bits, as PyTorch Lightning takes it."""
    value = _whole(text)
    return value if 0 <= value < 2**32 else _refuse("a whole number from 0 to 4294967295", text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = _number(text)
    return value if 0 <= value <= 1 else _refuse("a number from 0 to 1", text)


def loss(text: str) -> float:
    """A number from 0 to 1: how much a metric may lose."""
    value = _number(text)
    expected = "a number from 0 to 1, such as 0.01 for one point"
    return value if 0 <= value <= 1 else _refuse(expected, text)


def overlap(text: str) -> float:
    """A number from 0 to below 1."""
    value = _number(text)
    return value if 0 <= value < 1 else _refuse("a number from 0 to below 1", text)


def learning_rate(text: str) -> float:
    """A number between 0 and 1, neither of them."""
    value = _number(text)
    return value if 0 < value < 1 else _refuse("a number between 0 and 1", text)


def above_zero(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    return value if 0 < value < float("inf") else _refuse("a number above 0", text)


def not_negative(text: str) -> float:
    """A finite number, 0 or more."""
    value = _number(text)
    return value if 0 <= value < float("inf") else _refuse("a number from 0", text)


def threshold(text: str) -> float | str:
    """A number from 0 to 1, or the text where it names classes: they are known once the bundle is
    open (`edgecv.cli.options.classes`)."""
    return text if "=" in text else share(text)


def height_width(text: str) -> tuple[int, int]:
    """HEIGHTxWIDTH."""
    match = re.fullmatch(r"([1-9]\d{0,8})x([1-9]\d{0,8})", text, re.ASCII)
    if match is None:
        _refuse("HEIGHTxWIDTH such as 240x320", text)
    return int(match[1]), int(match[2])


def tile_size(text: str) -> tuple[int, int]:
    """HEIGHTxWIDTH, or one number for both."""
    if re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        return int(text), int(text)
    if "x" not in text:
        _refuse("a size such as 640, or HEIGHTxWIDTH such as 480x640", text)
    return height_width(text)


def class_numbers(text: str) -> tuple[int, ...]:
    """Numbers of classes, with commas between them."""
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text, re.ASCII):
        _refuse("numbers such as 11 or 0,255", text)
    return tuple(int(part) for part in text.split(","))


def names(text: str) -> list[str]:
    """Words with commas between them."""
    found = text.split(",")
    return found if all(found) else _refuse("names with commas between them, such as a,b", text)


def batch(text: str) -> int | str:
    """A whole number above 0, or ``dynamic``."""
    if text == "dynamic":
        return text
    value = _whole(text)
    return value if value > 0 else _refuse("a whole number above 0, or dynamic", text)


def batch_range(text: str) -> tuple[int, int, int]:
    """One number above 0, or the smallest, the typical and the largest."""
    values = [_whole(part) for part in text.split(",")]
    found = _three(values)
    if min(values) < 1 or found is None:
        _refuse("a number above 0, or smallest, typical and largest such as 1,4,8", text)
    return found


def size_range(text: str) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """One HEIGHTxWIDTH, or the smallest, the typical and the largest."""
    expected = "HEIGHTxWIDTH, or smallest, typical and largest such as 320x320,640x640,800x1344"
    try:
        sizes = [height_width(part) for part in text.split(",")]
    except argparse.ArgumentTypeError:
        _refuse(expected, text)
    if any(_three([size[axis] for size in sizes]) is None for axis in (0, 1)):
        _refuse(expected, text)
    first, *_ = typical = sizes * 3 if len(sizes) == 1 else sizes
    return first, typical[1], typical[2]


def compute_capabilities(text: str) -> tuple[int, ...]:
    """Compute capabilities of GPUs: ``8.6``, ``86`` or ``sm86``, with commas between them."""
    parts = [part.replace(".", "").removeprefix("sm") for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,4}", part, re.ASCII) for part in parts):
        _refuse("a list such as 86,89,120", text)
    return tuple(sorted({int(part) for part in parts}))


def _whole(text: str) -> int:
    """-1 for text that is not a whole number."""
    return int(text) if re.fullmatch(rf"\d{{1,{MOST_DIGITS}}}", text, re.ASCII) else -1


def _number(text: str) -> float:
    """NaN, which is outside every range, for text that is not a number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _three(values: list[int]) -> tuple[int, int, int] | None:
    if len(values) == 1:
        values = values * 3
    if len(values) != 3 or not all(a <= b for a, b in pairwise(values)):
        return None
    return values[0], values[1], values[2]


def _refuse(expected: str, text: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
