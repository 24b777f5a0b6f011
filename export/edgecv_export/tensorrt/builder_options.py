"""All that differs between ``tensorrt`` 10.3, 11 and ``tensorrt_rtx`` when engines are built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgecv_runtime import EngineError, InputError
from edgecv_runtime.engines.tensorrt_modules import KINDS, known_capabilities

_LEVELS = {"ampere_plus": "AMPERE_PLUS", "same_compute_capability": "SAME_COMPUTE_CAPABILITY"}


def make_builder(trt: Any, kind: str, logger: Any) -> Any:
    """A Builder. Raises EngineError where TensorRT cannot start, for lack of a GPU for example."""
    try:
        return trt.Builder(logger)
    except TypeError as error:  # how pybind11 says that TensorRT gave none
        reason = logger.errors[0] if logger.errors else "it gives no reason"
        raise EngineError(
            f"{KINDS[kind].title} cannot start here: {reason}: "
            "it needs an NVIDIA GPU and its driver; edgecv doctor says what is there"
        ) from error


def check_capabilities(trt: Any, capabilities: Sequence[int]) -> None:
    """Raises InputError unless TensorRT for RTX builds for all of them."""
    known = known_capabilities(trt)
    if not capabilities:
        raise InputError(f"compute capability: expected some of {', '.join(map(str, known))}")
    for number in capabilities:
        if number not in known:
            raise InputError(
                f"compute capability {number}: expected one of {', '.join(map(str, known))}; for "
                "other GPUs build with `engine=tensorrt` on the GPU itself"
            )


def set_targets(trt: Any, kind: str, config: Any, capabilities: Sequence[int]) -> None:
    """The GPUs that an engine is for. TensorRT builds for the GPU it runs on.

    Raises:
        InputError: a compute capability that the installed version does not know.
    """
    if kind != "tensorrt_rtx":
        return
    check_capabilities(trt, capabilities)
    config.num_compute_capabilities = len(capabilities)
    for index, number in enumerate(capabilities):
        config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{number}"), index)


def set_compatibility(
    trt: Any, kind: str, config: Any, compatibility: str, version_compatible: bool
) -> None:
    """Engines that other GPUs and later versions load too, at some cost of speed.

    Raises:
        InputError: the installed version has no such engines.
    """
    title = f"{KINDS[kind].title} {trt.__version__}"
    if kind == "tensorrt_rtx" and (compatibility != "none" or version_compatible):
        raise InputError(
            f"{title} has no compatible engines: "
            "give the GPUs with `compute_capabilities`, and build again after an update"
        )
    if compatibility != "none":
        level = getattr(trt.HardwareCompatibilityLevel, _LEVELS[compatibility], None)
        if level is None:
            raise InputError(
                f"{title} has no hardware compatibility {compatibility}; it has ampere_plus"
            )
        config.hardware_compatibility_level = level
    if version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)


def set_tf32(trt: Any, config: Any, allowed: bool) -> None:
    """Whether float32 convolutions may round their factors to 10 bits, TensorRT's default."""
    if not allowed:
        config.clear_flag(trt.BuilderFlag.TF32)


def attach_timing_cache(kind: str, config: Any, content: bytes) -> Any:
    """The timing cache, or None with TensorRT for RTX: there it has no effect, and needs a GPU.

    A cache of another version or GPU is not usable; then an empty one takes its place.
    """
    if kind == "tensorrt_rtx":
        return None
    cache = config.create_timing_cache(content)
    if not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    return cache
