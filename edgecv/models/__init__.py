"""Architectures, each in a file of its own; `registry` finds them by name (torch)."""

from edgecv import _moved as _moved  # old names of modules
