"""Readers of labelled images, one for each format; `folder` finds out which one it is."""

from edgecv import _moved as _moved  # old names of modules
