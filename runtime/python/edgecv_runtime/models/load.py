"""From a bundle on disk to a model that runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from edgecv_runtime._core import Bundle, Engine, Error, InputError
from edgecv_runtime.engines.choice import choose
from edgecv_runtime.engines.opening import open_engines
from edgecv_runtime.files.bundle import open_bundle
from edgecv_runtime.models.reopening import Origin

if TYPE_CHECKING:
    from typing import TypeAlias

    from edgecv_runtime.models.classifier import Classifier
    from edgecv_runtime.models.detector import Detector
    from edgecv_runtime.models.instance_segmenter import InstanceSegmenter
    from edgecv_runtime.models.semantic_segmenter import SemanticSegmenter
    from edgecv_runtime.models.stylizer import Stylizer

    Loaded: TypeAlias = Classifier | Detector | InstanceSegmenter | SemanticSegmenter | Stylizer

# By the bundle's task, where the model's class is: only that one is imported.
_MODELS = {
    "classify": ("classifier", "Classifier"),
    "detect": ("detector", "Detector"),
    "instance": ("instance_segmenter", "InstanceSegmenter"),
    "segment": ("semantic_segmenter", "SemanticSegmenter"),
    "stylize": ("stylizer", "Stylizer"),
}
_RELOADS = 20  # at most, of a bundle that others replace again and again
_LONGEST_PAUSE = 0.2  # seconds before one of them
_MAX_THREADS = 1024
_DEFAULT_DEVICE = {
    "tensorrt": "cuda",
    "tensorrt_rtx": "cuda",
    "onnxruntime": "cpu",
    "openvino": "cpu",
}


def load(
    path: str | os.PathLike[str],
    engine: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
) -> Loaded:
    """Loads a bundle.

    Args:
        path: the bundle's folder, or a ``.zip`` of it.
        engine: ``"tensorrt"``, ``"tensorrt_rtx"`` (both need engines from ``edgecv build``),
            ``"onnxruntime"``, ``"openvino"``. None takes the first of these that can run the
            bundle here, ONNX Runtime on a GPU where it can; ``edgecv info`` says which and why.
        device: as the engine names its devices: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, …; None takes
            the engine's default, or chooses together with the engine.
        precision: ``"fp32"``, … one that the bundle has, or ``"bf16"`` with OpenVINO, which needs
            no graph of its own; None takes fp32, or the most exact there is. With TensorRT, of
            those that engines were built for.
        threads: cores that one call uses, for the network and for pre- and postprocessing; None
            lets both choose. Calls from several threads run at the same time where the engine can.

    Returns:
        The model for the bundle's task: a ``Classifier`` for ``classify``, a ``Detector`` for
        ``detect``, an ``InstanceSegmenter`` for ``instance``, a ``SemanticSegmenter`` for
        ``segment``, a ``Stylizer`` for ``stylize``.

    Raises:
        BundleError: the bundle is incomplete, altered, or made for a newer edgecv. One that is
            replaced meanwhile is loaded again.
        EngineError: the engine or device is not there, or cannot run the graph.
    """
    if threads is not None and not 1 <= threads <= _MAX_THREADS:
        raise InputError(f"threads: expected 1 to {_MAX_THREADS}, got {threads}")
    for attempt in range(_RELOADS + 1):
        with open_bundle(path) as bundle:
            try:
                return _load(bundle, path, engine, device, precision, threads)
            except Error:
                # Graphs of another bundle than the manifest, which was replaced in between.
                if attempt == _RELOADS or bundle.is_current():
                    raise
        time.sleep(min(_LONGEST_PAUSE, 0.001 * 2**attempt))  # whoever replaces it goes first
    raise AssertionError


def _load(
    bundle: Bundle,
    path: str | os.PathLike[str],
    engine: str | None,
    device: str | None,
    precision: str | None,
    threads: int | None,
) -> Loaded:
    choice = choose(bundle, engine, device, precision, os.fspath(path))
    engines = open_engines(choice.engine, choice.files, choice.device, threads, choice.precision)
    for file in choice.files.values():
        file.require_unchanged()
    model = make_model(bundle, engines, choice.engine, choice.precision, threads)
    model.device = choice.device or _DEFAULT_DEVICE[choice.engine]
    options = {"engine": engine, "device": device, "precision": precision, "threads": threads}
    model.origin = Origin(load, os.path.abspath(path), options, bundle.manifest.to_json())
    return model


def make_model(
    bundle: Bundle,
    engines: Mapping[str, Engine],
    engine_name: str,
    precision: str,
    threads: int | None = None,
) -> Loaded:
    """The model for the bundle's task over engines that are open already, one for each role."""
    module, name = _MODELS[bundle.manifest.task]
    model: type[Loaded] = getattr(import_module(f"edgecv_runtime.models.{module}"), name)
    return model(bundle, engines, engine_name, precision, threads)
