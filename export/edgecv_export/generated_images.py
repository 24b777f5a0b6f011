"""Images for a parity check where none are given."""

from __future__ import annotations

import numpy as np

# Heights and widths: wide, tall, square, small, large and odd.
SIZES = (
    (480, 640), (640, 480), (333, 333), (720, 1280), (233, 411), (600, 200),
    (1080, 1920), (120, 97),
)  # fmt: skip


def generate_images(count: int, seed: int = 0, longest: int | None = None) -> list[np.ndarray]:
    """Textured images, uint8 [H, W, 3] BGR, of the sizes above in turn; the same for a seed.

    ``longest``: no side has more pixels; larger ones are made smaller in their shape.
    """
    sizes = [_limited(size, longest) for size in SIZES]
    return [_image(np.random.default_rng((seed, i)), *sizes[i % len(sizes)]) for i in range(count)]


def _limited(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    factor = 1 if longest is None else min(1, longest / max(size))
    return round(size[0] * factor), round(size[1] * factor)


def _image(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    image = np.zeros((height, width, 3), np.float32)
    # Smooth noise at several scales, the coarse ones stronger, as in real images.
    for cells, strength in ((2, 60), (5, 40), (13, 25), (40, 15)):
        image += strength * _smooth(rng.standard_normal((cells, cells, 3)), height, width)
    image += rng.normal(128, 30, 3)
    rows, columns = np.mgrid[:height, :width]
    for _ in range(12):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        half_h, half_w = rng.uniform(0.03, 0.25, 2) * (height, width)
        dy, dx = np.abs(rows - y) / half_h, np.abs(columns - x) / half_w
        inside = np.maximum(dy, dx) < 1 if rng.random() < 0.5 else dy**2 + dx**2 < 1
        image[inside] = 0.3 * image[inside] + 0.7 * rng.uniform(0, 255, 3)
    image += rng.normal(0, 4, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def _smooth(grid: np.ndarray, height: int, width: int) -> np.ndarray:
    """A grid [n, n, C] stretched to [height, width, C], linear in between."""
    for axis, length in ((0, height), (1, width)):
        position = np.linspace(0, grid.shape[axis] - 1, length)
        low = np.minimum(position.astype(int), grid.shape[axis] - 2)
        weight = (position - low).reshape([-1, 1, 1] if axis == 0 else [1, -1, 1])
        lower, upper = np.take(grid, low, axis), np.take(grid, low + 1, axis)
        grid = lower * (1 - weight) + upper * weight
    return grid
