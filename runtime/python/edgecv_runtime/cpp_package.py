"""Where the C++ library, its headers and its package for CMake are, which the wheel carries."""

from __future__ import annotations

from pathlib import Path


def cmake_dir() -> str:
    """The folder of ``edgecvConfig.cmake``, for ``-Dedgecv_DIR`` of an application.

    Raises:
        FileNotFoundError: this installation was made without it.

    Example:
        >>> cmake_dir()  # doctest: +SKIP
        '/usr/lib/python3/site-packages/edgecv_runtime/cpp/lib/cmake/edgecv'
    """
    from edgecv_runtime import _core

    folder = Path(str(_core.__file__)).parent / "cpp" / "lib" / "cmake" / "edgecv"
    if not (folder / "edgecvConfig.cmake").is_file():
        raise FileNotFoundError(
            f"{folder} has no edgecvConfig.cmake: install edgecv's wheel, or build the C++ library "
            "from its repository"
        )
    return str(folder)
