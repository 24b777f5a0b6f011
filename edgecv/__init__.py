"""Takes a vision model trained in PyTorch and runs it at the edge.

The names here are the runtime's; training and export live in ``edgecv.training`` and
``edgecv_export`` and are imported by those who need them. Each name is imported when it is first
used, so that the command line answers Ctrl-C from its first moment on.
"""

TYPE_CHECKING = False  # typing.TYPE_CHECKING, without importing typing

if TYPE_CHECKING:
    from edgecv import ops
    from edgecv.live import Live
    from edgecv_runtime import (
        BundleError,
        ClassArea,
        Classification,
        Classifier,
        ClassScore,
        Detection,
        Detections,
        Detector,
        EngineError,
        Error,
        InputError,
        InputSpec,
        Instance,
        Instances,
        InstanceSegmenter,
        Masks,
        Segmentation,
        SemanticSegmenter,
        Stylized,
        Stylizer,
        Tiles,
        Tracker,
        ZoneEvent,
        ZoneReport,
        Zones,
        load,
        read_image,
    )
    from edgecv_runtime._core import version as __version__

__all__ = [
    "BundleError",
    "ClassArea",
    "ClassScore",
    "Classification",
    "Classifier",
    "Detection",
    "Detections",
    "Detector",
    "EngineError",
    "Error",
    "InputError",
    "InputSpec",
    "Instance",
    "InstanceSegmenter",
    "Instances",
    "Live",
    "Masks",
    "Segmentation",
    "SemanticSegmenter",
    "Stylized",
    "Stylizer",
    "Tiles",
    "Tracker",
    "ZoneEvent",
    "ZoneReport",
    "Zones",
    "__version__",
    "load",
    "ops",
    "read_image",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name == "ops":
            return import_module("edgecv.ops")
        if name == "Live":
            value = import_module("edgecv.live").Live
        elif name == "__version__":
            value = import_module("edgecv_runtime._core").version
        else:
            value = getattr(import_module("edgecv_runtime"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
