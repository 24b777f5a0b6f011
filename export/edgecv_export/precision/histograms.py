"""ONNX Runtime's histograms of calibration, kept to a size that can be searched.

Its collector adds bins of one width for as long as the range grows, and its search for the range of
least divergence takes time with the square of the bins: with one value far from the others it
does not finish. Up to SEARCHED bins the library's own code is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization.calibrate import HistogramCollector

MOST_BINS = 1 << 17  # of a histogram: 1 MB
SEARCHED = 1024  # bins between which ranges are looked for
BULK = 0.9999  # the part of the values that they span at least

Counts = npt.NDArray[Any]


class Histograms(HistogramCollector):
    """A histogram is (counts, edges, smallest value, largest value, largest edge): as many bins
    below 0 as above."""

    def merge_histogram(
        self, old: Any, values: Counts, smallest: Any, largest: Any, new_edge: Any
    ) -> Any:
        """Before there are too many bins, neighbours become one."""
        counts, edges, old_smallest, old_largest, edge = old
        if edge > 0 and len(counts) * (new_edge / edge) > MOST_BINS:
            factor = int(np.ceil(len(counts) * (new_edge / edge) / MOST_BINS))
            counts, growth = _coarser(counts, factor)
            edge = np.asarray(edge * growth, edges.dtype)
            edges = _edges(edge, counts, edges.dtype)
        old = (counts, edges, old_smallest, old_largest, edge)
        return super().merge_histogram(old, values, smallest, largest, new_edge)

    def get_entropy_threshold(self, histogram: Any, num_quantized_bins: int) -> Any:
        """Ranges among SEARCHED bins. What lies beyond counts for the outermost ones, as it does
        for each range that is tried."""
        counts, edges, *extremes, edge = histogram
        if len(counts) > SEARCHED:
            half = len(counts) // 2
            around = np.cumsum(counts[half:] + counts[half - 1 :: -1])  # from 0 to both sides
            bulk = int(np.searchsorted(around, BULK * around[-1])) + 1
            factor = -(-2 * bulk // SEARCHED)
            side = min(half, factor * SEARCHED // 2)
            inner = counts[half - side : half + side].copy()
            inner[0] += counts[: half - side].sum()
            inner[-1] += counts[half + side :].sum()
            counts, growth = _coarser(inner, factor)
            edge = np.asarray(edge * (side / half) * growth, edges.dtype)
            edges = _edges(edge, counts, edges.dtype)
        return super().get_entropy_threshold((counts, edges, *extremes, edge), num_quantized_bins)


def _coarser(counts: Counts, factor: int) -> tuple[Counts, float]:
    """The counts with `factor` neighbours as one, 0 staying between two bins; and how much farther
    the outermost edges lie."""
    half = len(counts) // 2
    if factor >= half:
        return np.array([counts[:half].sum(), counts[half:].sum()]), factor / half
    padding = -half % factor
    merged = np.pad(counts, padding).reshape(-1, factor).sum(1)
    return merged, (half + padding) / half


def _edges(edge: Any, counts: Counts, dtype: Any) -> Counts:
    return np.linspace(-edge, edge, len(counts) + 1).astype(dtype)
