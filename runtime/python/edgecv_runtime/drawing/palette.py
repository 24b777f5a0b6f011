"""Colours of classes."""

from __future__ import annotations

# Twenty colours that people tell apart, as B, G, R (Sasha Trubetskoy's list without black, white
# and grey).
PALETTE: tuple[tuple[int, int, int], ...] = (
    (75, 25, 230), (75, 180, 60), (25, 225, 255), (216, 99, 67), (49, 130, 245),
    (244, 212, 66), (230, 50, 240), (69, 239, 191), (190, 190, 250), (144, 153, 70),
    (255, 190, 220), (36, 99, 154), (200, 250, 255), (180, 30, 145), (195, 255, 170),
    (0, 128, 128), (177, 216, 255), (117, 0, 0), (0, 0, 128), (40, 200, 160),
)  # fmt: skip


def class_colors(count: int) -> list[tuple[int, int, int]]:
    """A colour for each of `count` classes, as B, G, R: `PALETTE`, then Pascal VOC's colours."""
    return [*PALETTE, *map(_voc_color, range(len(PALETTE) + 1, count + 1))][:count]


def _voc_color(index: int) -> tuple[int, int, int]:
    """Bits 0, 3, 6, … of the index make red, 1, 4, 7, … green, 2, 5, 8, … blue, highest first."""
    red, green, blue = (
        sum((index >> (3 * bit + shift) & 1) << (7 - bit) for bit in range(8)) for shift in range(3)
    )
    return blue, green, red
