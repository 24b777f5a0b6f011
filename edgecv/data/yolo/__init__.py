"""YOLO: a text file for each image."""

from edgecv import _moved

__getattr__ = _moved.names_of(__name__, "reader")
