"""Old names of modules. They lead to the new ones for one release, with a DeprecationWarning.

Example:
    import edgecv.training.fit  # gives edgecv.training.run.fit
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Old name -> new name, both below `edgecv`.
_MODULES = {
    "models.catalogue": "models.architecture.catalogue",
    "models.heads": "models.architecture.heads",
    "models.input_record": "models.architecture.input_record",
    "models.windows": "models.architecture.windows",
    "models.weight_files": "models.weights.files",
    "models.pickled": "models.weights.pickled",
    "models.finite": "models.weights.usable",
    "models.frozen_norm": "models.weights.frozen_norm",
    "models.checkpoint": "models.weights.checkpoint",
    "models.roi_pool": "models.parts.roi_pool",
    "data.coco_content": "data.coco.content",
    "data.coco_files": "data.coco.files",
    "data.coco_masks": "data.coco.masks",
    "data.voc_layout": "data.voc.layout",
    "data.yolo_data_file": "data.yolo.data_file",
    "data.yolo_labels": "data.yolo.labels",
    "data.image_files": "data.reading.image_files",
    "data.text": "data.reading.text",
    "data.names_file": "data.reading.names_file",
    "data.number_images": "data.reading.label_images",
    "data.records": "data.reading.records",
    "data.report": "data.reading.split_report",
    "data.masks": "data.reading.masks",
    "data.augmentation": "data.batches.augmentation",
    "data.class_images": "data.batches.class_images",
    "data.decoded_images": "data.batches.decoded_images",
    "data.instances": "data.batches.instances",
    "data.labelled_crops": "data.batches.labelled_crops",
    "data.minibatch": "data.batches.minibatch",
    "training.detection_task": "training.detection.task",
    "training.detector": "training.detection.torch_detector",
    "training.evaluation": "training.detection.evaluation",
    "training.metrics": "training.detection.metrics",
    "training.operating_points": "training.detection.operating_points",
    "training.classification_task": "training.classification.task",
    "training.classifier": "training.classification.torch_classifier",
    "training.classification_evaluation": "training.classification.evaluation",
    "training.accuracy": "training.classification.accuracy",
    "training.segmentation_task": "training.segmentation.task",
    "training.segmenter": "training.segmentation.torch_segmenter",
    "training.segmentation_evaluation": "training.segmentation.evaluation",
    "training.confusion": "training.segmentation.confusion",
    "training.style_losses": "training.style.losses",
    "training.style_pictures": "training.style.images",
    "training.style_task": "training.style.task",
    "training.paint": "training.style.optimisation",
    "training.fit": "training.run.fit",
    "training.settings": "training.run.settings",
    "training.run_files": "training.run.files",
    "training.run_folder": "training.run.folder",
    "training.in_effect": "training.run.resolved_settings",
    "training.epoch_order": "training.run.epoch_order",
    "training.epoch_progress": "training.run.epoch_progress",
    "training.progress": "training.run.progress",
    "training.divergence": "training.run.divergence",
    "training.batch_norm": "training.run.batch_norm",
    "training.task": "training.run.task",
    "training.loaders": "training.run.loaders",
    "data.folder": "data.detection_folder",
    "data.reading.number_images": "data.reading.label_images",
    "data.reading.repeated": "data.reading.duplicates",
    "data.reading.report": "data.reading.split_report",
    "training.detection.detector": "training.detection.torch_detector",
    "training.classification.classifier": "training.classification.torch_classifier",
    "training.segmentation.segmenter": "training.segmentation.torch_segmenter",
    "training.run.in_effect": "training.run.resolved_settings",
}


def names_of(package: str, module: str) -> Callable[[str], Any]:
    """A module's `__getattr__` for a package that was a module.

    Args:
        package: its full name.
        module: the module, below the package, that holds today what the package held.
    """

    def get(name: str) -> Any:
        new = f"{package}.{module}"
        if name.startswith("__") or not hasattr(importlib.import_module(new), name):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        _warn(f"{package}.{name}", f"{new}.{name}")
        return getattr(importlib.import_module(new), name)

    return get


def _warn(old: str, new: str) -> None:
    warnings.warn(
        f"{old} has moved to {new}; the old name works until 0.2",
        DeprecationWarning,
        stacklevel=3,
    )


class _Finder(MetaPathFinder):
    """Is asked for modules that nobody else finds."""

    def __init__(self, package: str, modules: Mapping[str, str]) -> None:
        self.package = package
        self.modules = modules

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, rest = name.partition(".")
        if package != self.package:
            return None
        if rest not in self.modules:
            folder = any(old.startswith(f"{rest}.") for old in self.modules)  # that is gone
            return ModuleSpec(name, None, is_package=True) if rest and folder else None
        new = f"{package}.{self.modules[rest]}"
        _warn(name, new)
        return importlib.util.spec_from_loader(name, _Alias(importlib.import_module(new)))


class _Alias(Loader):
    """Gives a module that is loaded already."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put the old name's there


def lead(package: str, modules: Mapping[str, str]) -> None:
    """Lets old names of modules lead to the new ones, both below the package."""
    sys.meta_path.append(_Finder(package, modules))


lead("edgecv", _MODULES)
