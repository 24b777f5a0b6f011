"""Style transfer: training of a network, and optimisation of one image."""

from edgecv import _moved

__getattr__ = _moved.names_of(__name__, "recipe")
