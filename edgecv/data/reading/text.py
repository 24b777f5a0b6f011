"""Text from elsewhere: label files, names, lists, YAML, XML and JSON in any usual encoding."""

from __future__ import annotations

import codecs
import json
import os
import re
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from edgecv_runtime import InputError
from edgecv_runtime.files.regular import check_regular
from edgecv_runtime.one_line import brief

from .duplicates import first_repeated

_MARKS = (  # that of UTF-16 is the beginning of that of UTF-32
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([\w.-]+)[\"']")
# The later standard reads all that the earlier ones write.
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252", "ascii": "utf-8"}
_ALONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_warned: set[tuple[Path, str]] = set()  # folders and suffixes: a data set has thousands of files
_SIGNS = "‘’‚“”„–—…«»°²³µ·§"


MAX_TEXT = 64 << 20  # bytes of lists, labels, YAML and XML: a name takes 100 bytes in memory
MAX_JSON = 2 << 30  # COCO's largest files have half of it


def read_text(path: str | os.PathLike[str], limit: int = MAX_TEXT) -> str:
    """The text of a file in UTF-8, UTF-16 or UTF-32, with or without a byte-order mark.

    A file that can only be Windows-1252 (each letter with an accent stands alone between others) is
    read as such, and a warning says so: many editors on Windows still write it.

    Raises:
        InputError: the file cannot be read, holds no text, or is in an encoding that nothing tells.
    """
    return _decode(read_limited(path, limit), path)


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines of `read_text` without their ends, which may be those of any system."""
    lines = re.split(r"\r\n|\r|\n", read_text(path))
    return lines[:-1] if not lines[-1] else lines


def read_json(path: str | os.PathLike[str], limit: int = MAX_JSON) -> Any:
    """The content of a JSON file of at most `limit` bytes, in the encodings of `read_text`.

    Raises InputError for text that is not JSON, and for a duplicate key.
    """

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) != len(pairs):
            twice = first_repeated(key for key, _ in pairs)
            raise ValueError(f"the key {twice!r} is there twice in one object")
        return content

    text = read_text(path, limit)
    try:
        return json.loads(text, object_pairs_hook=mapping)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: broken JSON: {brief(error)}") from error


def read_xml(path: str | os.PathLike[str]) -> ElementTree.Element:
    """The root element, in the encoding that the file declares, else as `read_text`.

    Raises InputError for broken XML, and for bytes that are not in the declared encoding.
    """
    data = read_limited(path, MAX_TEXT)
    declared = _DECLARATION.match(data)
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    try:
        encoding = codecs.lookup(name).name
        encoding = _SUPERSETS.get(encoding, encoding)
        text = _decode(data, path) if encoding == "utf-8" else data.decode(encoding)
    except LookupError as error:
        raise InputError(
            f"{path}: declares the encoding {name}, which is not known; save it as UTF-8"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: declares the encoding {name}, but byte {error.start} is not in it; save it "
            "as UTF-8 and declare that"
        ) from error
    try:
        return ElementTree.fromstring(text.lstrip())
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: broken XML: {brief(error)}") from error
    except RecursionError as error:
        raise InputError(f"{path}: broken XML: nested too deeply") from error


def read_limited(path: str | os.PathLike[str], limit: int) -> bytes:
    """The bytes of a file of at most `limit` bytes.

    Raises InputError for a longer one, and for what is no file or cannot be read.
    """
    check_regular(Path(path))
    try:
        with open(path, "rb") as file:
            # A longer file is not read: it could fill the memory.
            data = file.read(limit + 1) if os.fstat(file.fileno()).st_size <= limit else None
    except (OSError, ValueError) as error:  # ValueError: a zero in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {reason}") from error
    if data is None or len(data) > limit:
        raise InputError(f"{path}: more than {limit >> 20} MB; expected less of such a file")
    return data


def _decode(data: bytes, path: str | os.PathLike[str]) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, path)
    if b"\0" in data:
        # A line break or a digit of UTF-16 has its zero on one side, whatever else the text holds.
        even, odd = b"\0" in data[::2], b"\0" in data[1::2]
        if even == odd or len(data) % 2:
            raise InputError(f"{path}: holds zero bytes; expected text, best in UTF-8")
        return _strict(data, "utf-16-le" if odd else "utf-16-be", path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _windows_1252(data, error, path)


def _strict(data: bytes, encoding: str, path: str | os.PathLike[str]) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: broken {encoding.upper()} at byte {error.start}; save it as UTF-8"
        ) from error


def _windows_1252(data: bytes, error: UnicodeDecodeError, path: str | os.PathLike[str]) -> str:
    number = data.count(b"\n", 0, error.start) + 1
    alone = _ALONE.findall(data)
    text = data.decode("cp1252", "replace")
    letters = {byte.decode("cp1252", "replace") for byte in alone}
    # Chinese, Japanese, Korean and Cyrillic encodings have such bytes in groups.
    if len(alone) != sum(byte > 127 for byte in data) or not all(
        letter.isalpha() or letter in _SIGNS for letter in letters
    ):
        raise InputError(
            f"{path}: line {number} is not UTF-8, and nothing says which encoding it is in; save "
            "the file as UTF-8"
        ) from error
    place = (Path(path).parent, Path(path).suffix)
    if place not in _warned:
        _warned.add(place)
        words = list(dict.fromkeys(re.findall(r"\w*[^\x00-\x7f]\w*", text)))[:3]
        warnings.warn(
            f"{path}: not UTF-8, read as Windows-1252: {', '.join(words)}; so are others beside "
            "it; if that is wrong, save them as UTF-8",
            stacklevel=3,
        )
    return text
