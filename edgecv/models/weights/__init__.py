"""Weights: files of any kind, checks, loading into a module, and checkpoints (torch)."""

from edgecv import _moved

__getattr__ = _moved.names_of(__name__, "loading")
