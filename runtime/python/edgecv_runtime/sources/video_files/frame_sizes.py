"""Finds changes of size in the packets of a video file.

OpenCV scales (from 4.13) or cuts (before) all later frames to the size of the first, and does not
say so. The sizes stand in the headers that the stream repeats before its key frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.sources.capture import open_file

Size = tuple[int, int]  # height and width, as shown
_SOUGHT = 1 << 16  # bytes of a packet in which headers stand
_AHEAD = 2  # a decoder may drop frames at a change of size, so that packets run ahead of frames
_PROBED = 4096  # packets; FFmpeg looks at the first ones, and may name a size that comes later


class SizeChanges:
    """Reads the packets of a file beside its frames.

    Packets come in the order of decoding; a new size begins with a key frame, before which all
    earlier frames are shown, so that packet and frame have the same number there.
    """

    def __init__(self, path: str, codec: str) -> None:
        self._find = _FINDERS.get(codec.lower())
        self._capture: Any = None
        self._packets = 0
        self._changes: list[tuple[int, Size]] = []  # from which packet on
        if self._find is not None:
            cv2 = import_cv2()
            self._capture = open_file(path, [cv2.CAP_PROP_FORMAT, -1])

    def true_size(self, index: int, size: Size) -> Size | None:
        """The size of frame `index` if it is not the `size` that OpenCV gives to all frames.

        None where they agree. Ask with rising numbers.
        """
        self._read_to(index + _AHEAD)
        if not self._changes:
            return None
        true = [found for start, found in self._changes if start <= index + _AHEAD][-1]
        if true == size:
            return None
        if not self._seen(size):
            self._read_to(index + _PROBED, until=size)
        if self._seen(size):
            return true
        # All sizes are others: the header means something else than is read out of it here.
        self._find = None
        self._changes = []
        self.close()
        return None

    def _seen(self, size: Size) -> bool:
        return any(found == size for _, found in self._changes)

    def _read_to(self, last: int, until: Size | None = None) -> None:
        while self._capture is not None and self._packets <= last:
            ok, packet = self._capture.read()
            if not ok:
                self.close()
                break
            assert self._find is not None
            found = self._find(packet.ravel()[:_SOUGHT].tobytes())
            if found is not None and (not self._changes or self._changes[-1][1] != found):
                # What stands before the first header belongs to it.
                self._changes.append((self._packets if self._changes else 0, found))
            self._packets += 1
            if until is not None and found == until:
                break

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _mpeg2(packet: bytes) -> Size | None:
    at = packet.find(b"\x00\x00\x01\xb3")
    if at < 0 or at + 7 > len(packet):
        return None
    sides = int.from_bytes(packet[at + 4 : at + 7], "big")
    return sides & 0xFFF, sides >> 12


def _mpeg4(packet: bytes) -> Size | None:
    """MPEG-4 part 2, by the header of its layer (ISO/IEC 14496-2, 6.2.3)."""
    start = packet.find(b"\x00\x00\x01\x20")
    if start < 0:
        return None
    bits = _Bits(packet[start + 4 :])
    bits.take(1 + 8)
    version = 1
    if bits.take(1):
        version = bits.take(4)
        bits.take(3)
    if bits.take(4) == 15:
        bits.take(16)
    if bits.take(1):
        bits.take(3)
        if bits.take(1):
            bits.take(79)
    shape = bits.take(2)
    if shape == 3 and version != 1:
        bits.take(4)
    bits.take(1)
    ticks = bits.take(16)
    bits.take(1)
    if bits.take(1):
        bits.take(max((ticks - 1).bit_length(), 1))
    if shape != 0:  # not a rectangle
        return None
    _, width, _, height = bits.take(1), bits.take(13), bits.take(1), bits.take(13)
    return height, width


def _vp8(packet: bytes) -> Size | None:
    if packet[3:6] != b"\x9d\x01\x2a" or len(packet) < 10:
        return None
    width, height = (int.from_bytes(packet[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return height, width


def _vp9(packet: bytes) -> Size | None:
    bits = _Bits(packet)
    if bits.take(2) != 2:
        return None
    profile = bits.take(1) | bits.take(1) << 1
    if profile == 3:
        bits.take(1)
    if bits.take(1):  # shows a frame that is there already
        return None
    inter, _, _ = bits.take(1), bits.take(1), bits.take(1)
    if inter or bits.take(24) != 0x498342:
        return None
    if profile >= 2:
        bits.take(1)
    space = bits.take(3)
    if space == 7:  # RGB
        if profile & 1:
            bits.take(4)
    else:
        bits.take(1)
        if profile & 1:
            bits.take(3)
    width, height = bits.take(16) + 1, bits.take(16) + 1
    return height, width


def _mjpeg(packet: bytes) -> Size | None:
    at = 2
    while packet[at : at + 1] == b"\xff" and at + 9 <= len(packet):
        marker = packet[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(packet[k : k + 2], "big") for k in (at + 5, at + 7))
            return height, width
        at += 2 + int.from_bytes(packet[at + 2 : at + 4], "big")
    return None


def _h264(packet: bytes) -> Size | None:
    unit = _unit(packet, lambda header: header & 0x1F == 7)
    return None if unit is None else _h264_parameters(_Bits(unit[1:]))


def _h264_parameters(bits: _Bits) -> Size:
    # ITU-T H.264, 7.3.2.1.1
    profile = bits.take(8)
    bits.take(16)
    bits.count()
    chroma = 1
    if profile in (100, 110, 122, 244, 44, 83, 86, 118, 128):
        chroma = bits.count()
        if chroma == 3:
            bits.take(1)
        bits.count(), bits.count(), bits.take(1)
        if bits.take(1):
            for at in range(8 if chroma != 3 else 12):
                if bits.take(1):
                    _skip_scaling(bits, 16 if at < 6 else 64)
    bits.count()
    order = bits.count()
    if order == 0:
        bits.count()
    elif order == 1:
        bits.take(1)
        bits.count(), bits.count()
        for _ in range(min(bits.count(), 255)):
            bits.count()
    bits.count(), bits.take(1)
    width = 16 * (bits.count() + 1)
    rows = bits.count() + 1
    frames_only = bits.take(1)
    height = 16 * rows * (2 - frames_only)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        across, down = (1 if chroma in (0, 3) else 2), (2 if chroma == 1 else 1) * (2 - frames_only)
        width -= across * (bits.count() + bits.count())
        height -= down * (bits.count() + bits.count())
    return height, width


def _skip_scaling(bits: _Bits, entries: int) -> None:
    last = following = 8
    for _ in range(entries):
        if following:
            code = bits.count()
            following = (last + ((code + 1) // 2 if code & 1 else -(code // 2))) % 256
        last = following or last


def _h265(packet: bytes) -> Size | None:
    unit = _unit(packet, lambda header: header >> 1 & 0x3F == 33)
    if unit is None:
        return None
    # ITU-T H.265, 7.3.2.2: what stands before the size
    bits = _Bits(unit[2:])
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 88 + 8)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.count()
    chroma = bits.count()
    if chroma == 3:
        bits.take(1)
    width, height = bits.count(), bits.count()
    if bits.take(1):
        across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
        width -= across * (bits.count() + bits.count())
        height -= down * (bits.count() + bits.count())
    return height, width


def _unit(packet: bytes, wanted: Callable[[int], bool]) -> bytes | None:
    """The first unit of that kind, without the bytes that were put in against false start codes."""
    at = packet.find(b"\x00\x00\x01")
    while 0 <= at < len(packet) - 3:
        following = packet.find(b"\x00\x00\x01", at + 3)
        if wanted(packet[at + 3]):
            unit = packet[at + 3 : following if following > 0 else len(packet)]
            return unit[:512].replace(b"\x00\x00\x03", b"\x00\x00")
        at = following
    return None


class _Bits:
    """Reads bits from the front; behind the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[:512].ljust(512, b"\0"), "big")
        self._left = 8 * 512

    def take(self, number: int) -> int:
        self._left -= number
        return (self._value >> max(self._left, 0)) & ((1 << number) - 1)

    def count(self) -> int:
        """Exp-Golomb."""
        zeros = 0
        while zeros < 32 and not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


_FINDERS: dict[str, Callable[[bytes], Size | None]] = {
    **dict.fromkeys(("h264", "avc1", "avc3", "x264", "davc"), _h264),
    **dict.fromkeys(("hevc", "hvc1", "hev1", "h265", "x265"), _h265),
    **dict.fromkeys(("mpg1", "mpg2", "mpeg", "mp2v", "mp1v", "m2v1", "m1v1"), _mpeg2),
    **dict.fromkeys(("mjpg", "jpeg", "mjpa"), _mjpeg),
    **dict.fromkeys(("fmp4", "mp4v", "xvid", "divx", "dx50", "m4s2"), _mpeg4),
    "vp80": _vp8,
    "vp90": _vp9,
    "vp08": _vp8,
    "vp09": _vp9,
}
