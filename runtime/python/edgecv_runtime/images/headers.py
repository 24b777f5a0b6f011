"""What an image file says about itself before it is decoded: size, orientation, completeness.

OpenCV decodes some truncated files into grey areas, has no limit that a small machine could bear,
and reads only part of the places where an orientation is written. So these come from the bytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageHeader:
    """What was found; the defaults stand for formats that are left to the decoder."""

    size: tuple[int, int] | None = None  # height, width as decoded, before `orientation`
    orientation: int = 1  # EXIF's 1..8 that is left to apply after decoding
    truncated: bool = False  # the end of the image is missing
    max_value: int | None = None  # PNM: the sample value that means white
    known: bool = True  # whether it begins as one of the formats that are read
    sample_bytes: int = 1  # of one value of a pixel as it is decoded
    scans: int = 1  # JPEG: each is decoded over the whole image


def read_header(data: bytes) -> ImageHeader:
    """Reads JPEG, PNG, WebP, GIF, BMP, TIFF, PNM, JPEG 2000 and AVIF; never raises on malformed
    bytes. `known` is False for all others."""
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            width, height = struct.unpack_from("<HH", data, 6)
            # Decoded with the frame before it, in four channels each.
            return ImageHeader((height, width), sample_bytes=2)
        if data[:2] == b"BM":
            # OS/2's header of 12 bytes has sizes of 16 bits.
            short = struct.unpack_from("<I", data, 14)[0] == 12
            width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
            return ImageHeader((abs(height), abs(width)))
        if data[:4] in (b"II*\0", b"MM\0*"):
            tags = _tiff_tags(data)
            if not {256, 257} <= tags.keys():
                return ImageHeader()
            # The decoder applies a TIFF's orientation whatever its flags say.
            turned = 5 <= tags.get(274, 1) <= 8
            size = (tags[256], tags[257]) if turned else (tags[257], tags[256])
            return ImageHeader(size, sample_bytes=max(1, -(-tags.get(258, 1) // 8)))
        if re.match(rb"P[1-6]\s", data):
            return _pnm(data)
        if data[:4] == b"\xff\x4f\xff\x51" or data[4:12] == b"jP  \r\n\x87\n":
            return _jpeg_2000(data)
        if data[4:8] == b"ftyp" and re.search(rb"avif|avis", data[8:64]):
            return _avif(data)
    except (struct.error, IndexError):
        return ImageHeader(truncated=True)
    return ImageHeader(known=False)


def _jpeg_2000(data: bytes) -> ImageHeader:
    at = data.index(b"\xff\x4f\xff\x51") if b"\xff\x4f\xff\x51" in data else len(data)
    right, bottom, left, top = struct.unpack_from(">IIII", data, at + 8)
    (channels,) = struct.unpack_from(">H", data, at + 40)
    depths = data[at + 42 : at + 42 + 3 * channels : 3]
    deep = any((depth & 0x7F) + 1 > 8 for depth in depths)
    return ImageHeader((bottom - top, right - left), sample_bytes=2 if deep else 1)


def _avif(data: bytes) -> ImageHeader:
    """The largest of the sizes that the container names: of the image, its alpha, its tiles."""
    sizes = [struct.unpack_from(">II", data, m.end() + 4) for m in re.finditer(rb"ispe", data)]
    if not sizes:
        return ImageHeader(truncated=True)
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    deep = any(data[m.end() + 2] & 0x40 for m in re.finditer(rb"av1C", data))
    return ImageHeader((height, width), sample_bytes=2 if deep else 1)


# SOF0..SOF15 without DHT, JPG and DAC, which stand among them.
_START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# In entropy-coded data FF 00 is a byte FF, FF D0..D7 a restart; anything else is a marker.
_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)


def _jpeg(data: bytes) -> ImageHeader:
    size, exif, xmp, scans = None, None, None, 0
    position = 2
    while match := _NEXT_MARKER.search(data, position):
        marker, start = data[match.end() - 1], match.end()
        if marker == _END_OF_IMAGE:
            return ImageHeader(size, _orientation(exif, xmp), truncated=scans == 0, scans=scans)
        if marker in (0x01, 0xD8):  # without a length
            position = start
            continue
        (length,) = struct.unpack_from(">H", data, start)
        body = data[start + 2 : start + length]
        if marker in _START_OF_FRAME:
            size = struct.unpack_from(">HH", body, 1)
        elif marker == _START_OF_SCAN:
            scans += 1
        elif marker == 0xE1 and body.startswith(b"Exif\0\0") and exif is None:
            exif = body[6:]
        elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            xmp = body
        position = start + length
    return ImageHeader(size, _orientation(exif, xmp), truncated=True)


def _png(data: bytes) -> ImageHeader:
    size, exif, xmp, depth = None, None, None, 8
    position = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            width, height, depth = struct.unpack_from(">IIB", body)
            size = (height, width)
        elif kind == b"eXIf":
            exif = body
        elif kind in (b"zTXt", b"tEXt") and body.startswith(b"Raw profile type exif\0"):
            exif = exif or _raw_profile(body, compressed=kind == b"zTXt")
        elif kind == b"iTXt" and body.startswith(b"XML:com.adobe.xmp\0"):
            xmp = body
        elif kind == b"IEND":
            return ImageHeader(size, _orientation(exif, xmp), sample_bytes=2 if depth > 8 else 1)
        position += 12 + length
    return ImageHeader(size, _orientation(exif, xmp), truncated=True)


def _raw_profile(body: bytes, compressed: bool) -> bytes | None:
    """EXIF as ImageMagick writes it: name, length and hexadecimal digits as text."""
    text = body.split(b"\0", 1)[1]
    if compressed:
        try:
            text = zlib.decompressobj().decompress(text[1:], 1 << 20)
        except zlib.error:
            return None
    lines = text.split(b"\n", 3)
    if len(lines) < 4:
        return None
    try:
        profile = bytes.fromhex(b"".join(lines[3].split()).decode("ascii"))
    except ValueError:
        return None
    return profile.removeprefix(b"Exif\0\0")


def _webp(data: bytes) -> ImageHeader:
    size, exif, xmp = None, None, None
    (riff_length,) = struct.unpack_from("<I", data, 4)
    for kind, body in _riff_chunks(data):
        if kind == b"VP8X":
            width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
            size = (height, width)
        elif kind == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", body, 6)
            size = (height & 0x3FFF, width & 0x3FFF)
        elif kind == b"VP8L" and size is None:
            (bits,) = struct.unpack_from("<I", body, 1)
            size = ((bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1)
        elif kind == b"EXIF":
            exif = body.removeprefix(b"Exif\0\0")
        elif kind == b"XMP ":
            xmp = body
    return ImageHeader(size, _orientation(exif, xmp), truncated=len(data) < 8 + riff_length)


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _pnm(data: bytes) -> ImageHeader:
    fields: list[int] = []
    wanted = 2 if data[1:2] in b"14" else 3  # bitmaps have no largest value
    for match in re.finditer(rb"#[^\r\n]*|(\d+)", data[2:1024]):
        if match[1] is not None:
            fields.append(int(match[1]))
        if len(fields) == wanted:
            white = fields[2] if wanted == 3 and 0 < fields[2] <= 65535 else None
            sample_bytes = 2 if white is not None and white > 255 else 1
            return ImageHeader((fields[1], fields[0]), max_value=white, sample_bytes=sample_bytes)
    return ImageHeader()


def _orientation(exif: bytes | None, xmp: bytes | None) -> int:
    """EXIF's tag first, XMP's where EXIF has none; 1 where neither makes sense."""
    value = 1
    if exif is not None:
        try:
            tags = _tiff_tags(exif)
        except (struct.error, IndexError):
            tags = {}
        if 274 in tags:
            return tags[274] if 1 <= tags[274] <= 8 else 1
    if xmp is not None and (match := re.search(rb'tiff:Orientation(?:="|>)([1-8])', xmp)):
        value = int(match[1])
    return value


def _tiff_tags(data: bytes) -> dict[int, int]:
    """The SHORT and LONG tags with one value in the first directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return {}
    (offset,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, offset)
    tags: dict[int, int] = {}
    for at in range(offset + 2, offset + 2 + 12 * count, 12):
        if at + 12 > len(data):
            break
        tag, kind, values = struct.unpack_from(order + "HHI", data, at)
        # Of a tag that is there twice, the decoder takes the first.
        if tag in tags:
            continue
        if tag in (256, 257) and (values != 1 or kind not in (3, 4)):  # a size of another form
            return {}
        if tag == 258 and kind == 3 and values > 2:  # bits of each channel, which lie elsewhere
            (offset,) = struct.unpack_from(order + "I", data, at + 8)
            (tags[tag],) = struct.unpack_from(order + "H", data, offset)
        elif tag == 258 and kind == 3 and values == 2:
            (tags[tag],) = struct.unpack_from(order + "H", data, at + 8)
        elif values == 1 and kind in (3, 4):
            (tags[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)
    return tags
