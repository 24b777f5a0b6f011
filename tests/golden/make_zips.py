"""Writes zips of the golden bundle, right and wrong ones, and what is said of each.

expected.tsv has a line for each: the file, and the error, in which ZIP stands for its path; empty
where it opens. C++ and Python read the same files and say the same; where the cause is Python's own
zipfile, its versions differ in the words between "damaged (" and ")".

    python tests/golden/make_zips.py FOLDER
"""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path

BUNDLE = Path(__file__).parent / "bundle_v1"
NAMES = ("bundle.json", "main.onnx")
WHEN = (2026, 11, 28, 12, 0, 0)


def zipped(
    files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, WHEN), content, method)
    return memory.getvalue()


def bundle(prefix: str = "") -> dict[str, bytes]:
    return {prefix + name: (BUNDLE / name).read_bytes() for name in NAMES}


def altered(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def zip64() -> bytes:
    usual = zipfile.ZIP64_LIMIT
    zipfile.ZIP64_LIMIT = 100
    try:
        return zipped(bundle())
    finally:
        zipfile.ZIP64_LIMIT = usual


def twice() -> bytes:
    """The name bundle.json, first with another content."""
    data = zipped({"bundle.jsoN": b"{}", **bundle()})
    return data.replace(b"bundle.jsoN", b"bundle.json")


def in_list(data: bytes, name: bytes) -> int:
    """Where the list has the record of a file."""
    return data.rindex(name) - 46


def main() -> None:
    folder = Path(sys.argv[1])
    good = zipped(bundle())
    stored = zipped(bundle(), zipfile.ZIP_STORED)
    end = good.rindex(b"PK\5\6")
    manifest = in_list(good, b"bundle.json")
    content = 30 + len("bundle.json")
    changed: dict[str, tuple[bytes, str]] = {
        "deflated": (good, ""),
        "stored_in_a_folder": (
            zipped({"street/": b"", **bundle("street/")}, zipfile.ZIP_STORED),
            "",
        ),
        "dots": (zipped(bundle("./")), ""),
        "zip64": (zip64(), ""),
        "with_a_comment": (zipped(bundle(), comment=b"of cells"), ""),
        "behind_a_program": (b"#!/bin/sh\n" + 90 * b" " + good, ""),
        "twice": (twice(), ""),
        "no_zip": (
            b"PK, but no more",
            "ZIP is not a bundle: expected a folder with bundle.json, or a .zip of one",
        ),
        "without_a_manifest": (zipped({"readme.txt": b"no bundle"}), "ZIP holds no bundle.json"),
        "too_deep": (zipped(bundle("a/b/")), "ZIP holds no bundle.json"),
        "long_list": (
            altered(good, end + 12, struct.pack("<L", 1_300_000)),
            "ZIP: lists 1,300,000 bytes of entries, 1,048,576 at most are expected of a bundle",
        ),
        "bad_list": (
            altered(good, manifest, b"PK\3\3"),
            damaged("Bad magic number for central directory"),
        ),
        "bad_offset": (
            altered(good, end + 16, struct.pack("<L", 1 << 30)),
            damaged("Bad offset for central directory"),
        ),
        "bad_header": (altered(good, 0, b"QK"), damaged("Bad magic number for file header")),
        "bad_crc": (
            altered(stored, content, b"["),
            damaged("Bad CRC-32 for file 'bundle.json'"),
        ),
        "bad_data": (
            altered(good, content, b"\xff\xff\xff"),
            damaged("Error -3 while decompressing data: invalid block type"),
        ),
        "encrypted": (
            altered(altered(good, 6, b"\1"), manifest + 8, b"\1"),
            damaged("File 'bundle.json' is encrypted, password required for extraction"),
        ),
        "other_method": (
            altered(altered(good, 8, b"\x63"), manifest + 10, b"\x63"),
            damaged("That compression method is not supported"),
        ),
    }
    for file, path, shown in [
        ("leaves", "../bundle.json", "'../bundle.json'"),
        ("leaves_within", "a/../../bundle.json", "'a/../../bundle.json'"),
        ("absolute", "/bundle.json", "'/bundle.json'"),
        ("drive", "c:/bundle.json", "'c:/bundle.json'"),
        ("backslashes", "..\\bundle.json", "'..\\\\bundle.json'"),
        ("lines", "../a\nb", "'../a\\nb'"),
        ("quotes", "../it's", '"../it\'s"'),
    ]:
        data = zipped({"x" * len(path): b"{}"}).replace(b"x" * len(path), path.encode())
        changed[file] = (data, f"ZIP holds a path that leaves it: {shown}")
    # Three that say 4 GB each.
    huge = zipped({"a": b"", "b": b"", "c": b""})
    for name in (b"a", b"b", b"c"):
        huge = altered(huge, huge.rindex(b"PK\1\2", 0, huge.rindex(name)) + 24, b"\xfe\xff\xff\xff")
    changed["bomb"] = (huge, "ZIP unpacks to more than 8,589,934,592 bytes")
    lines = []
    for file, (data, error) in sorted(changed.items()):
        (folder / f"{file}.zip").write_bytes(data)
        lines.append(f"{file}.zip\t{error}\n")
    (folder / "expected.tsv").write_text("".join(lines), encoding="utf-8")


def damaged(cause: str) -> str:
    return f"ZIP: damaged ({cause}); expected the .zip of a bundle: copy it again"


if __name__ == "__main__":
    main()
