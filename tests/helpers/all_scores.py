"""Detectors that report as low scores as their PyTorch peers."""

from typing import Any

import edgecv_runtime


def load_all_scores(bundle: Any, **options: Any) -> Any:
    """As `edgecv.load`, with the thresholds at which the module itself reports objects."""
    model: Any = edgecv_runtime.load(bundle, **options)
    model.thresholds = model.measuring_threshold
    return model
