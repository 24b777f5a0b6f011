"""Inference engines, one file each, behind :class:`edgecv_runtime.Engine`."""

from edgecv_runtime.engines.opening import NAMES, open_engine, open_engines

__all__ = ["NAMES", "open_engine", "open_engines"]
