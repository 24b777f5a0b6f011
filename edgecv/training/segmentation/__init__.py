"""Semantic segmentation: training, evaluation, metrics."""

from edgecv import _moved

__getattr__ = _moved.names_of(__name__, "recipe")
