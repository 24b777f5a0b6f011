"""Pages and code use one vocabulary: that of docs/glossary.md and of the field."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("samples/**/*.md")])
# Folders whose comments, docstrings and messages have been gone through.
CODE = sorted(
    path
    for folder in ("edgecv", "export", "samples", "benchmarks", "tests/export")
    for path in (ROOT / folder).rglob("*.py")
)
# Left: what is not written; right: what is.
INSTEAD = {
    r"pictures?|photos?|photographs?": "image",
    r"trunks?": "backbone",
    r"paint(?:s|ed|ing)?": "stylize, draw",
    r"findings": "detections",
    r"figures": "metrics",
    r"from nothing": "from scratch",
    r"thin(?:ned)?": "reduced-width",
    r"mends?": "fixes",
    r"comes? to": "is, reaches",
    r"some hundred": "a few hundred",
    r"as \S+ (?:has|have) (?:it|them)": "as in …",
}


def prose(text):
    """Without code, and without the targets of links."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    text = re.sub(r"`[^`]*`", "", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def old_words(text):
    pattern = "|".join(f"(?:{word})" for word in INSTEAD)
    return re.findall(rf"\b(?:{pattern})\b", prose(text), re.I)


def test_old_words_are_found():
    text = "A Photo, from nothing.\n```\npicture\n```\n`trunk` and [x](photo.md) as torch has it"
    assert old_words(text) == ["Photo", "from nothing", "as torch has it"]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_words_of_a_page(page):
    assert old_words(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_windows_are_called_windows(page):
    """A crop is what `--crop` and `crop` name, what training cuts at random, or a mask's."""
    found = re.findall(r"\b(?:in|of|into|those|the|its|own) crops\b", prose(page.read_text()))
    assert found == []


def sentences(code):
    """Comments, docstrings and messages: of the strings those that hold a space."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    strings = [
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    return "\n".join([*comments, *strings])


def test_sentences_of_code_are_found():
    code = (
        'def f(picture):\n    """A photo."""\n    return f"{picture} of trunks", "paint"  # mends'
    )
    assert sorted(old_words(sentences(code))) == ["mends", "photo", "trunks"]


@pytest.mark.parametrize("path", CODE, ids=[str(path.relative_to(ROOT)) for path in CODE])
def test_words_of_code(path):
    assert old_words(sentences(path.read_text(encoding="utf-8"))) == []
