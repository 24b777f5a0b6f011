"""Training and evaluation: a folder for each task, and `run` for what they share."""

from edgecv import _moved as _moved  # old names of modules
