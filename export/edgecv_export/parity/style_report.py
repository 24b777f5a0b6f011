"""What the parity check of a style network reports."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgecv_export.parity.table import count, difference_of, parity_table

LEAST_PSNR = 50.0  # decibels, of 8-bit images


@dataclass
class StyleReport:
    """Differences between the module's images and the runtime's, over all images."""

    pictures: int = 0
    # The network's output, 0..255 and not rounded: largest difference, and its largest value.
    output_difference: float = 0.0
    output_largest: float = 0.0
    # The 8-bit images: largest difference in levels, lowest PSNR in decibels.
    level_difference: int = 0
    psnr: float = math.inf
    # One of the images cut into tiles, against torch's whole image with the thumbnail's
    # statistics; None where the bundle has no tiles.
    tiles_level_difference: int | None = None
    tiles_psnr: float | None = None
    least_psnr: float = LEAST_PSNR

    @property
    def passed(self) -> bool:
        return min(self.psnr, self.tiles_psnr or math.inf) >= self.least_psnr

    def add(self, expected: np.ndarray, found: np.ndarray) -> None:
        """Takes in two 8-bit images."""
        self.pictures += 1
        self.level_difference = max(self.level_difference, _levels(expected, found))
        self.psnr = min(self.psnr, psnr(expected, found))

    def add_output(self, expected: np.ndarray, found: np.ndarray) -> None:
        """Takes in what the networks gave, float32."""
        self.output_difference = max(self.output_difference, float(np.abs(expected - found).max()))
        self.output_largest = max(self.output_largest, float(np.abs(expected).max()))

    def add_tiles(self, expected: np.ndarray, found: np.ndarray) -> None:
        self.tiles_level_difference = _levels(expected, found)
        self.tiles_psnr = psnr(expected, found)

    def failure(self) -> str:
        worst = min(self.psnr, self.tiles_psnr or math.inf)
        return (
            f"the bundle does not give the model's images (PSNR {worst:.1f} dB, expected at least "
            f"{self.least_psnr:g}), so it was not written"
        )

    def table(self) -> str:
        least = f">= {self.least_psnr:g}"
        rows = [
            count("images", self.pictures),
            difference_of("output, 0..255", self.output_difference, self.output_largest),
            count("largest difference, levels", self.level_difference),
            ("lowest PSNR, dB", f"{self.psnr:.4g}", least),
        ]
        if self.tiles_psnr is not None:
            rows += [
                ("in tiles: levels", f"{self.tiles_level_difference}", ""),
                ("in tiles: PSNR, dB", f"{self.tiles_psnr:.4g}", least),
            ]
        return parity_table(rows)

    def to_dict(self) -> dict[str, Any]:
        """Infinity (images without a difference) becomes None: JSON has no infinity."""
        values = asdict(self)
        for name in ("psnr", "tiles_psnr"):
            if values[name] is not None and math.isinf(values[name]):
                values[name] = None
        return {**values, "passed": self.passed}


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two 8-bit images in decibels, infinite for equal ones."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def _levels(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())
