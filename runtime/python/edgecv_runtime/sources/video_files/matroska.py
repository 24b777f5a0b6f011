"""The structure of Matroska and WebM files: where it ends, and whether it holds together."""

from __future__ import annotations

from typing import BinaryIO

_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
# Clusters hold these, and may be followed by one of the second row where their length is not known.
_IN_CLUSTERS = frozenset({0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0x5854, 0xEC, 0xBF, 0xAF})
_IN_SEGMENTS = frozenset(
    {_CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367}
    | {0xEC, 0xBF}
)


def matroska_end(head: bytes) -> int | None:
    """Where the file should end, by its first bytes; None of a live recording, or a broken head."""
    _, length, at = element(head, 0)
    kind, length, start = element(head, at + (length or 0))
    return None if kind != _SEGMENT or length is None else start + length


def is_broken(file: BinaryIO, size: int) -> bool:
    """Whether something stands between two elements that is none, or the last one is cut off."""
    file.seek(0)
    _, length, at = element(file.read(16), 0)
    at += length or 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        if len(head) < 2:
            return False
        kind, length, start = element(head, 0)
        start += at
        if kind in (_SEGMENT, _CLUSTER):  # what is inside follows
            at = start
        elif kind in _IN_CLUSTERS or kind in _IN_SEGMENTS:
            if length is None:
                return False
            at = start + length
        else:
            return True
    return at > size


def element(data: bytes, at: int) -> tuple[int, int | None, int]:
    """Of the element at `at`: kind, length (None if it is not known), start of the contents."""
    width = 9 - data[at].bit_length()
    kind = int.from_bytes(data[at : at + width], "big")
    at += width
    if at >= len(data) or data[at] == 0:
        return kind, None, at
    width = 9 - data[at].bit_length()
    length = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return kind, None if length == (1 << 7 * width) - 1 else length, at + width
