"""COCO: instances files and the images they name."""

from edgecv import _moved

__getattr__ = _moved.names_of(__name__, "reader")
