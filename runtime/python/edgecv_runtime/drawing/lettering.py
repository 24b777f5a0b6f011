"""Lines of text in any script, by OpenCV or, where it has no letters for them, by Pillow.

OpenCV 4 draws ASCII only. OpenCV 5 has letters for Latin, Greek, Cyrillic and CJK, but writes from
left to right always. Pillow takes any font of the system, and joins and orders letters as their
script wants.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecv_runtime.opencv import import_cv2

_HERSHEY = 0  # cv2.FONT_HERSHEY_SIMPLEX
_MOST_FONTS = 2000
_LONGEST_NAME = 40  # letters
_SPECIAL = ("bold", "italic", "oblique", "serif", "mono", "cond", "light", "thin", "black", "math")
_ABSENT = "\U0010fffd"  # no font has it: it shows what a font draws for letters that it lacks


class Line:
    """A line of text of about `size` pixels: a capital letter with its margins.

    Attributes:
        width, height: in pixels, margins included.
    """

    def __init__(self, text: str, size: float) -> None:
        text, font = drawable_text(text)
        self._text = text
        self.margin = max(2, round(size / 6))
        self._paint: Any
        if font is None:
            self._plan_opencv(size)
        else:
            self._plan_pillow(font, size)

    def _plan_opencv(self, size: float) -> None:
        cv2 = import_cv2()
        scale, stroke = size / 30, max(1, round(size / 22))
        (width, ascent), descent = cv2.getTextSize(self._text, _HERSHEY, scale, stroke)
        self.width, self.height = width + 2 * self.margin, ascent + descent + 2 * self.margin

        def paint(block: NDArray[np.uint8], ink: tuple[int, int, int]) -> None:
            canvas = np.ascontiguousarray(block)  # OpenCV takes no views with long rows everywhere
            place = (self.margin, self.margin + ascent)
            cv2.putText(canvas, self._text, place, _HERSHEY, scale, ink, stroke, cv2.LINE_AA)
            block[...] = canvas

        self._paint = paint

    def _plan_pillow(self, path: str, size: float) -> None:
        from PIL import Image, ImageDraw, ImageFont

        font = ImageFont.truetype(path, max(6, round(0.8 * size)))
        ascent, descent = font.getmetrics()
        self.width = int(np.ceil(font.getlength(self._text))) + 2 * self.margin
        self.height = ascent + descent + 2 * self.margin

        def paint(block: NDArray[np.uint8], ink: tuple[int, int, int]) -> None:
            mask = Image.new("L", (block.shape[1], block.shape[0]))
            ImageDraw.Draw(mask).text((self.margin, self.margin), self._text, 255, font)
            share = np.asarray(mask, np.float32)[:, :, None] / 255
            block[...] = np.rint(block + share * (np.array(ink, np.float32) - block))

        self._paint = paint

    def paint(
        self, canvas: NDArray[np.uint8], left: int, top: int, ground: tuple[int, ...]
    ) -> None:
        """Draws the line on a ground of that colour (B, G, R), in place; the rest is cut off."""
        block = canvas[top : top + self.height, left : left + self.width]
        block[...] = ground
        blue, green, red = ground
        dark = 0.114 * blue + 0.587 * green + 0.299 * red > 140  # luma of the ground
        self._paint(block, (0, 0, 0) if dark else (255, 255, 255))


def fitting(text: str, size: float, width: int) -> Line:
    """A line of that size, or smaller, so that it is at most `width` wide."""
    line = Line(text, size)
    while line.width > width and size > 1:
        size *= min(0.95, width / line.width)
        line = Line(text, size)
    return line


def drawable_name(name: str, label: int) -> str:
    """The name as it can be drawn here: without letters for which there is no font, or, with none
    left, the label's number (the user hears of it once); a long one is cut."""
    text = drawable_text(name)[0].strip() or f"class {label}"
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3].rstrip() + "..."


def drawable_names(names: Sequence[str], labels: Iterable[int]) -> list[str]:
    """The names, those of these labels as `drawable_name` gives them."""
    shown = list(names)
    for label in labels:
        shown[label] = drawable_name(names[label], int(label))
    return shown


@functools.lru_cache(maxsize=4096)
def drawable_text(text: str) -> tuple[str, str | None]:
    """The part of a text that can be drawn, and the font file for Pillow; None: OpenCV draws it."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    if all(map(opencv_has, text)):
        return text, None
    letters = frozenset(filter(_stands_alone, text))
    font = font_for(letters)
    drawn = opencv_has if font is None else functools.partial(font_has, font)
    lacking = frozenset(letter for letter in letters if not drawn(letter))
    if lacking:
        _say_what_is_missing(lacking)
    kept, joins = "", False
    for letter in text:
        if letter.isspace():
            kept, joins = kept + " ", False
        elif _stands_alone(letter):
            joins = drawn(letter)
            kept += letter if joins else ""
        elif joins and font is not None:  # an accent of a letter that was kept
            kept += letter
    return " ".join(kept.split()), font


def _stands_alone(letter: str) -> bool:
    """Not a space, an accent or a vowel sign that joins the letter before it, or a mark that only
    steers what is around it."""
    return not letter.isspace() and unicodedata.category(letter) not in ("Mn", "Mc", "Me", "Cf")


@functools.lru_cache(maxsize=4096)
def opencv_has(letter: str) -> bool:
    if letter.isascii():
        return letter.isprintable()
    cv2 = import_cv2()
    right_to_left = unicodedata.bidirectional(letter) in ("R", "AL", "AN")
    if int(cv2.__version__.split(".")[0]) < 5 or right_to_left or not _stands_alone(letter):
        return False
    return not np.array_equal(_drawn_by_opencv(letter), _drawn_by_opencv("?"))


def _drawn_by_opencv(letter: str) -> NDArray[np.uint8]:
    canvas = np.zeros((48, 64), np.uint8)
    import_cv2().putText(canvas, letter, (8, 36), _HERSHEY, 1.0, 255)
    return canvas


@functools.lru_cache(maxsize=256)
def font_for(letters: frozenset[str]) -> str | None:
    """The font file that has most of these letters, if there is one with any that OpenCV lacks."""
    if not _has_pillow():
        return None
    foreign = [letter for letter in letters if not opencv_has(letter)]
    best, most = None, 0
    for path in font_files():
        found = sum(font_has(path, letter) for letter in foreign)
        if found > most and all(font_has(path, letter) for letter in "a0."):
            best, most = path, found
        if most == len(foreign):
            break
    return best


def _has_pillow() -> bool:
    return importlib.util.find_spec("PIL") is not None


@functools.lru_cache(maxsize=65536)
def font_has(path: str, letter: str) -> bool:
    font = _probe(path)
    if font is None:
        return False
    drawn, absent = font.getmask(letter), font.getmask(_ABSENT)
    return drawn.size != absent.size or bytes(drawn) != bytes(absent)


@functools.lru_cache(maxsize=_MOST_FONTS)
def _probe(path: str) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(path, 16)
    except (OSError, ValueError):  # a broken file, or one with images of one size only
        return None


@functools.lru_cache(maxsize=1)
def font_files() -> tuple[str, ...]:
    """Upright fonts without serifs first."""
    found: list[Path] = []
    for folder in font_folders():
        for path in folder.rglob("*.[toTO][tT][fcFC]"):
            found.append(path)
            if len(found) == _MOST_FONTS:
                break

    def rank(path: Path) -> tuple[int, str]:
        name = path.name.lower()
        return sum(mark in name for mark in _SPECIAL), name

    return tuple(str(path) for path in sorted(found, key=rank))


def font_folders() -> Iterator[Path]:
    home = Path.home()
    if sys.platform == "win32":
        yield Path(os.environ.get("WINDIR", r"C:\Windows"), "Fonts")
        yield home / "AppData" / "Local" / "Microsoft" / "Windows" / "Fonts"
    elif sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    else:
        yield from (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
        yield from (home / ".local" / "share" / "fonts", home / ".fonts")


told: set[str] = set()


def _say_what_is_missing(letters: frozenset[str]) -> None:
    new = sorted(letters - told)
    if not new:
        return
    told.update(new)
    shown = " ".join(new[:5]) + (" …" if len(new) > 5 else "")
    advice = (
        "install a font that has them (Debian: fonts-noto, fonts-noto-cjk, for emoji fonts-symbola)"
    )
    if not _has_pillow():
        advice = "pip install pillow, which draws with the fonts of the system"
    warnings.warn(f"captions leave out {shown}, which cannot be drawn here: {advice}", stacklevel=2)
