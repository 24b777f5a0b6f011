"""The ports for Conan and vcpkg, with stand-ins for both tools, which the tests do without."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import edgecv
from helpers.cpp_build import ROOT, configure, run

PORTS = ROOT / "runtime" / "ports"


def copy(recipe: object, pattern: str, source: str, target: str) -> None:
    """conan.tools.files.copy: files of a folder with their paths in it; * takes slashes as well."""
    for path in Path(source).rglob("*"):
        inside = path.relative_to(source)
        if path.is_file() and fnmatch(str(inside), pattern):
            (Path(target) / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, Path(target) / inside)


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An object of the recipe's class, with Conan's modules played."""
    names = {
        "conan": {"ConanFile": object},
        "conan.tools": {},
        "conan.tools.build": {"check_min_cppstd": None},
        "conan.tools.cmake": dict.fromkeys(
            ["CMake", "CMakeDeps", "CMakeToolchain", "cmake_layout"]
        ),
        "conan.tools.files": {
            "copy": copy,
            "load": lambda _, path: Path(path).read_text(),
            "rmdir": None,
        },
    }
    for name, contents in names.items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    file = PORTS / "conan" / "conanfile.py"
    spec = importlib.util.spec_from_file_location("conanfile", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.EdgecvConan()
    made.recipe_folder = str(file.parent)
    return made


def test_what_the_conan_recipe_exports_can_be_configured(recipe: Any, tmp_path: Path) -> None:
    recipe.set_version()
    assert recipe.version == edgecv.__version__
    recipe.export_sources_folder = str(tmp_path / "exported")
    recipe.export_sources()
    configure(tmp_path / "exported" / "runtime", tmp_path / "build")
    assert (tmp_path / "build" / "build.ninja").is_file()


DRIVER = """
set(CURRENT_PORT_DIR {port})
set(CURRENT_PACKAGES_DIR {packages})
macro(vcpkg_cmake_configure)
  cmake_parse_arguments(given "" "SOURCE_PATH" "OPTIONS" ${{ARGN}})
  message(STATUS "source ${{given_SOURCE_PATH}}")
endmacro()
macro(vcpkg_cmake_install)
endmacro()
macro(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(given "" "PACKAGE_NAME;CONFIG_PATH" "" ${{ARGN}})
  message(STATUS "config ${{given_PACKAGE_NAME}} ${{given_CONFIG_PATH}}")
endmacro()
macro(vcpkg_fixup_pkgconfig)
endmacro()
macro(vcpkg_copy_pdbs)
endmacro()
macro(vcpkg_install_copyright)
  cmake_parse_arguments(given "" "" "FILE_LIST" ${{ARGN}})
  foreach(file IN LISTS given_FILE_LIST)
    message(STATUS "licence ${{file}}")
  endforeach()
endmacro()
include({port}/portfile.cmake)
"""


def test_the_port_for_vcpkg_builds_this_checkout(tmp_path: Path) -> None:
    port = PORTS / "vcpkg" / "edgecv"
    driver = tmp_path / "driver.cmake"
    driver.write_text(DRIVER.format(port=port, packages=tmp_path / "packages"))
    said = re.findall(r"^-- (\w+) (.*)", run("cmake", "-P", driver), re.M)
    found = [line for word, line in said if word != "config"]
    assert Path(found[0]) / "CMakeLists.txt" == (ROOT / "runtime" / "CMakeLists.txt")
    assert len(found) == 3 and all(Path(place).exists() for place in found)
    assert ("config", "edgecv lib/cmake/edgecv") in said
