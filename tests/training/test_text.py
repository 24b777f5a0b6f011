"""Text files in every usual encoding, and places that forget to say one."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import pytest

from edgecv.data.reading.names_file import read_names
from edgecv.data.reading.text import read_json, read_lines, read_text, read_xml
from edgecv_runtime import InputError

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_unicode_with_and_without_a_mark(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(f"Schließe{end}  圆 方 {end}7{end}".encode(encoding))
    if encoding == "utf-32":
        assert path.read_bytes()[:4] == b"\xff\xfe\0\0"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_lines(path) == ["Schließe", "  圆 方 ", "7"]
        assert read_names(path) == ["Schließe", "圆 方", "7"]


def test_windows_1252_is_read_with_a_word(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes("Schließe\nWürfel – groß\n".encode("cp1252"))
    with pytest.warns(UserWarning) as caught:
        assert read_lines(tmp_path / "a.txt") == ["Schließe", "Würfel – groß"]
        assert read_lines(tmp_path / "b.txt") == ["Schließe", "Würfel – groß"]
    (message,) = [str(w.message) for w in caught]  # once for a folder of such files
    assert message.startswith(f"{tmp_path / 'a.txt'}: not UTF-8, read as Windows-1252: Schließe, W")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("圆\n方\n".encode("gb2312"), r"line 2 is not UTF-8, and nothing says which encoding"),
        ("cat\nсобака\n".encode("cp1251"), r"line 2 is not UTF-8"),
        ("cat\nねこ\n".encode("shift_jis"), r"line 2 is not UTF-8"),
        (b"\xff\xfec\0a\0t", r"broken UTF-16-LE at byte"),
        (b"cat\0\0dog\0", r"holds zero bytes; expected text"),
        (b"", r"the file is empty; expected one name"),
        (b"cat\n\ndog\n", r"line 2 is empty; expected one name on each line"),
    ],
)
def test_what_nothing_tells_is_refused_in_one_line(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(data if not data.startswith(b"\xff\xfe") else data + b"\0\xd8")
    with pytest.raises(InputError, match=message) as caught:
        read_names(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    with pytest.raises(InputError, match=r"none\.txt: cannot be read: No such file"):
        read_text(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("gb2312", "gb2312"),
        ("GBK", "gbk"),
        ("Shift_JIS", "shift_jis"),
        ("big5", "big5"),
        ("utf-16", "utf-16"),
        ("utf-8", "utf-8-sig"),
        (None, "utf-8"),
        (None, "utf-16"),
    ],
)
def test_xml_in_its_declared_encoding(tmp_path: Path, declared: str | None, encoding: str) -> None:
    path = tmp_path / "a.xml"
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    path.write_bytes(f"{head}<a><name>方</name></a>".encode(encoding))
    assert read_xml(path).findtext("name") == "方"


def test_xml_that_is_not_in_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b'<?xml version="1.0" encoding="gbk"?><a>\xff\xff</a>')
    with pytest.raises(InputError, match=r"a\.xml: declares the encoding gbk, but byte 39 is not"):
        read_xml(path)
    path.write_bytes(b'<?xml version="1.0" encoding="klingon"?><a/>')
    with pytest.raises(InputError, match="encoding klingon, which is not known; save it as UTF-8"):
        read_xml(path)
    path.write_bytes(b"<a>")
    with pytest.raises(InputError, match=r"a\.xml: broken XML"):
        read_xml(path)


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for encoding in ENCODINGS:
        path.write_bytes('{"name": "圆"}'.encode(encoding))
        assert read_json(path) == {"name": "圆"}
    path.write_bytes(b'{"a": 1, "b": {"c": 1, "c": 2}}')
    with pytest.raises(InputError, match=r"broken JSON: the key 'c' is there twice"):
        read_json(path)
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(InputError, match="broken JSON"):
        read_json(path)


def _text_without_encoding(tree: ast.AST) -> list[int]:
    """Lines that open text in whatever encoding the machine has."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _opens_text(node)
        and all(keyword.arg != "encoding" for keyword in node.keywords)
    ]


def _opens_text(call: ast.Call) -> bool:
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("read_text", "write_text"):
        return method  # pathlib's; our own function read_text(path) knows all encodings
    if name == "open" and method:
        # Of a path the first argument is a mode; archives and bundles take something else.
        modes = call.args[:1]
        if modes and not (isinstance(modes[0], ast.Constant) and len(str(modes[0].value)) <= 3):
            return False
    elif name in ("open", "fdopen"):
        modes = call.args[1:2]
    else:
        return False
    modes += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    return not any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)


def test_every_place_says_the_encoding_of_its_text() -> None:
    root = Path(__file__).parents[2]
    places = ("edgecv", "export/edgecv_export", "runtime/python", "samples", "benchmarks")
    files = [path for place in places for path in (root / place).rglob("*.py")]
    assert len(files) > 150
    found = {
        f"{path.relative_to(root)}:{line}"
        for path in files
        for line in _text_without_encoding(ast.parse(path.read_bytes()))
    }
    assert found == set()
    wrong = "p.read_text()\nopen(p)\np.open()\np.open('w')\nos.fdopen(handle, 'w')\n"
    right = "read_text(p)\nopen(p, 'rb')\np.open('rb')\narchive.open(member)\nos.open(p, flags)\n"
    assert _text_without_encoding(ast.parse(wrong + right)) == [1, 2, 3, 4, 5]
