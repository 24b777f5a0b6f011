"""Input records of bundles that tests write."""

from __future__ import annotations

from typing import Any


def input_record(**changes: Any) -> dict[str, Any]:
    """RGB pictures in their own size, levels 0..255 as they are, but for what is said."""
    return {
        "color": "rgb",
        "size": None,
        "resize": "none",
        "max_size": None,
        "align": "center",
        "crop": None,
        "interpolation": "bilinear",
        "antialias": False,
        "scale": 1.0,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "pad_value": 0.0,
        "pad_multiple": 1,
        "dtype": "float32",
        "layout": "nchw",
        **changes,
    }
