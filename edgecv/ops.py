"""Operations on boxes and images, on NumPy arrays: ``import edgecv.ops``, as ``torchvision.ops``.

They are those of :mod:`edgecv_runtime.ops`, where each has its description and an example.
"""

from edgecv_runtime.ops import *  # noqa: F403
from edgecv_runtime.ops import __all__ as __all__
