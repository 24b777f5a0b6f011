"""The ranges that a network's values take, measured on what its pipeline feeds it."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import onnx

from edgecv_export.precision.pipeline import Feed
from edgecv_runtime import InputError
from edgecv_runtime.files.whole import temporary_folder

METHODS = ("minmax", "entropy", "percentile")
# With its 128 bins for 128 steps the entropy has no threshold to choose from; its time grows with
# the square of the bins.
_OPTIONS: dict[str, dict[str, int]] = {"minmax": {}, "entropy": {"num_bins": 256}, "percentile": {}}


def measure_ranges(
    model: onnx.ModelProto,
    feeds: Iterable[Feed],
    method: str,
    operators: Collection[str],
    *,
    symmetric: bool,
) -> Any:
    """ONNX Runtime's ranges of the values around the named operators.

    Args:
        feeds: one run of the network each; one is held at a time.
        method: ``minmax``; ``entropy`` (least Kullback-Leibler divergence of the histograms, as
            TensorRT's calibrator); ``percentile`` (99.999 % of the values).
        symmetric: ranges with 0 in the middle.

    Raises:
        InputError: an unknown method, or no feed at all.
    """
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    if method not in METHODS:
        raise InputError(f"calibration is {method!r}; expected one of {', '.join(METHODS)}")
    kind = {
        "minmax": CalibrationMethod.MinMax,
        "entropy": CalibrationMethod.Entropy,
        "percentile": CalibrationMethod.Percentile,
    }[method]
    count = 0
    with temporary_folder() as folder, quiet():
        source = folder / "model.onnx"
        onnx.save(model, source)
        calibrator = create_calibrator(
            str(source),
            list(operators),
            augmented_model_path=str(folder / "augmented.onnx"),
            calibrate_method=kind,
            extra_options={"symmetric": symmetric, **_OPTIONS[method]},
        )
        if method != "minmax":
            calibrator.collector = _bounded(calibrator)
        for feed in feeds:
            calibrator.collect_data(_OneFeed(feed))
            count += 1
        if count == 0:
            raise InputError(
                "calibration: the network was not run on any image (a second stage without a "
                "box is not): give images with objects"
            )
        return calibrator.compute_data()


def _bounded(calibrator: Any) -> Any:
    from edgecv_export.precision.histograms import Histograms

    names = ("method", "symmetric", "num_bins", "num_quantized_bins", "percentile", "scenario")
    return Histograms(**{name: getattr(calibrator, name) for name in names})


class _OneFeed:
    """What ONNX Runtime calls a CalibrationDataReader."""

    def __init__(self, feed: Feed) -> None:
        self._feed: Feed | None = feed

    def get_next(self) -> Feed | None:
        feed, self._feed = self._feed, None
        return feed


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hides what ONNX Runtime's quantiser prints and warns about: all of it is intended."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)
