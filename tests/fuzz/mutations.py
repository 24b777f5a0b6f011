"""Files that are nearly right: cut, overwritten, doubled, with numbers at their limits."""

from __future__ import annotations

import random

_NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_WORDS = [
    *(b"NaN", b"1e999", b"-1", b"null", b"{}", b"[]", b"\x00", b"\xff\xfe", b"9" * 20),
    *(b"\x1b[2J", b"\n", b"../", b"/dev/zero", b"*a", b"&a ", b"[" * 3000, b"{'a':" * 200),
]


def mutated(data: bytes, source: random.Random) -> bytes:
    """The file with one to four changes. The same source gives the same file."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        _change(changed, source)
    return bytes(changed)


def _change(data: bytearray, source: random.Random) -> None:
    at = source.randrange(len(data) + 1)
    length = source.choice([1, 2, 4, 8, 64])
    kind = source.randrange(7)
    if kind == 0:
        data[at : at + 1] = bytes([source.randrange(256)])
    elif kind == 1:
        order = source.choice(["little", "big"])
        data[at : at + 4] = source.choice(_NUMBERS).to_bytes(4, order)  # type: ignore[arg-type]
    elif kind == 2:
        del data[at:]
    elif kind == 3:
        del data[at : at + length]
    elif kind == 4:
        data[at:at] = data[at : at + length]
    elif kind == 5:
        data[at:at] = source.choice(_WORDS)
    else:
        other = source.randrange(len(data) + 1)
        data[at : at + length] = data[other : other + length]
