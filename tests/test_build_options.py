"""What CMake asks of compilers that cannot do everything, of toolchains and of other projects."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.cpp_build import attempt, run

RUNTIME = Path(__file__).parents[1] / "runtime"
COMPILER = shutil.which("g++")

# A compiler that knows -flto, on a machine whose linker has no plug-in for it.
WITHOUT_PLUGIN = """
lto= link=1
for option in "$@"; do
  case "$option" in -flto*) lto=1 ;; -c|-E|-S) link= ;; esac
done
if [ "$lto" ] && [ "$link" ]; then
  echo "collect2: fatal error: could not run lto-wrapper" >&2
  exit 1
fi
"""

# One that cannot ask which processor it runs on.
WITHOUT_CLONES = """
for option in "$@"; do
  if [ -f "$option" ] && grep -q __builtin_cpu_supports "$option"; then
    echo "error: __builtin_cpu_supports is not declared" >&2
    exit 1
  fi
done
"""

WITHOUT_OPTION = """
for option in "$@"; do
  case "$option" in
    {option}*) echo "error: unrecognized command-line option $option" >&2; exit 1 ;;
  esac
done
"""


def compiler(folder, behaviour=""):
    """g++, behind a script."""
    path = folder / "g++"
    path.write_text(f'#!/bin/sh\n{behaviour}\nexec {COMPILER} "$@"\n')
    path.chmod(0o755)
    return f"-DCMAKE_CXX_COMPILER={path}"


def configure(folder, *options, source=RUNTIME):
    command = ["cmake", "-S", source, "-B", folder, "-G", "Ninja", *options]
    # It has the packages that a build needs.
    return attempt(*command, f"-DPython_EXECUTABLE={sys.executable}")


def rules(folder, *options, source=RUNTIME):
    """The build's rules, and what CMake said."""
    done = configure(folder, *options, source=source)
    assert done.returncode == 0, done.stderr
    return (folder / "build.ninja").read_text(), done.stdout


def refusal(folder, *options):
    done = configure(folder, *options)
    assert done.returncode != 0
    return " ".join(done.stderr.split())


def flags(build_rules, target="edgecv_core"):
    """Of each source file of a target."""
    found = re.findall(rf"CMakeFiles/{target}\.dir/(\S+)\.o: .*?\n\n", build_rules, re.S)
    blocks = re.findall(rf"^build \S*CMakeFiles/{target}\.dir/.*?\n\n", build_rules, re.M | re.S)
    assert found and len(blocks) >= 1
    return [re.findall(r"^  FLAGS = (.*)", block, re.M)[0].split() for block in blocks]


def test_link_time_optimisation_is_asked_for_where_the_linker_has_it(tmp_path):
    """As a wheel is built."""
    wheel = ["-DSKBUILD=ON"]
    build_rules, said = rules(tmp_path / "without", *wheel, compiler(tmp_path, WITHOUT_PLUGIN))
    assert "-flto" not in build_rules
    assert "The compiler cannot optimise at link time" in said
    wanted = refusal(tmp_path / "wanted", "-DEDGECV_LTO=ON", compiler(tmp_path, WITHOUT_PLUGIN))
    assert "EDGECV_LTO: the compiler cannot optimise at link time" in wanted

    probe = tmp_path / "probe.cpp"
    probe.write_text("int main() {}")
    linked = subprocess.run([COMPILER, "-flto", probe, "-o", tmp_path / "probe"], check=False)
    build_rules, said = rules(tmp_path / "with", *wheel, compiler(tmp_path))
    assert ("-flto" in build_rules) == (linked.returncode == 0)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("-U__FLT_EVAL_METHOD__ -D__FLT_EVAL_METHOD__=2", "floats in more than 32 bits"),
        ("-U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__", "big-endian processor"),
    ],
    ids=["x87", "big-endian"],
)
def test_a_processor_with_other_results_is_refused(flags, message, tmp_path):
    """As the compiler of such a processor describes it."""
    said = refusal(tmp_path, f"-DCMAKE_CXX_FLAGS={flags}")
    assert message in said


def test_a_compiler_that_contracts_is_refused(tmp_path):
    """Results would differ from machine to machine."""
    behaviour = WITHOUT_OPTION.format(option="-ffp-contract")
    said = refusal(tmp_path / "build", compiler(tmp_path, behaviour))
    assert "has no -ffp-contract=off, without which results differ from machine to machine" in said


def test_clones_and_version_scripts_are_tried_first(tmp_path):
    behaviour = WITHOUT_CLONES + WITHOUT_OPTION.format(option="-Wl,--version-script")
    build_rules, _ = rules(
        tmp_path / "lacks", "-DBUILD_SHARED_LIBS=ON", compiler(tmp_path, behaviour)
    )
    assert "-DEDGECV_NO_CLONES" in build_rules and "--version-script" not in build_rules
    build_rules, _ = rules(tmp_path / "has", "-DBUILD_SHARED_LIBS=ON", compiler(tmp_path))
    assert "-DEDGECV_NO_CLONES" not in build_rules and "--version-script" in build_rules
    build_rules, _ = rules(tmp_path / "has", "-DEDGECV_CLONES=OFF")
    assert "-DEDGECV_NO_CLONES" in build_rules


@pytest.mark.parametrize(
    ("build_type", "levels"),
    [("Debug", set()), ("MinSizeRel", {"-Os"}), ("RelWithDebInfo", {"-O2"})],
)
def test_the_optimisation_level_is_that_of_the_build_type(build_type, levels, tmp_path):
    build_rules, _ = rules(tmp_path / "build", f"-DCMAKE_BUILD_TYPE={build_type}")
    found = {flag for line in flags(build_rules) for flag in line if flag.startswith("-O")}
    assert found == levels


def test_sanitizers_as_a_list(tmp_path):
    build_rules, _ = rules(tmp_path / "build", "-DEDGECV_SANITIZE=address;undefined")
    assert all("-fsanitize=address,undefined" in line for line in flags(build_rules))


def test_tests_need_the_static_library(tmp_path):
    said = refusal(tmp_path / "build", "-DEDGECV_TESTS=ON", "-DBUILD_SHARED_LIBS=ON")
    assert "EDGECV_TESTS reaches functions that a shared library hides" in said


# As those of the NDK, Yocto and Buildroot: headers and packages from the sysroot only.
TOOLCHAIN = """
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_FIND_ROOT_PATH {sysroot})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
"""


def test_nlohmann_json_is_found_from_a_cross_toolchain(tmp_path):
    (tmp_path / "sysroot").mkdir()
    toolchain = tmp_path / "toolchain.cmake"
    toolchain.write_text(TOOLCHAIN.format(sysroot=tmp_path / "sysroot"))
    cross = f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"
    build_rules, _ = rules(tmp_path / "wheel", cross)  # of PyPI's package, by Python
    # Alone: its folder may have headers of the building machine as well.
    folder = tmp_path / "wheel" / "nlohmann_json"
    assert f"-isystem {folder}" in build_rules
    assert [path.name for path in folder.iterdir()] == ["nlohmann"]
    assert (folder / "nlohmann" / "json.hpp").is_file()

    given = tmp_path / "given" / "nlohmann"
    given.mkdir(parents=True)
    (given / "json.hpp").write_text("")
    rules(tmp_path / "option", cross, f"-DNLOHMANN_JSON_INCLUDE={given.parent}")
    link = tmp_path / "option" / "nlohmann_json" / "nlohmann"
    assert link.resolve() == given.resolve()

    said = refusal(tmp_path / "wrong", f"-DNLOHMANN_JSON_INCLUDE={tmp_path}")
    assert said.count("which has no nlohmann/json.hpp") == 1


GUEST = """
cmake_minimum_required(VERSION 3.16)
project(host LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
add_library(json INTERFACE)
add_library(nlohmann_json::nlohmann_json ALIAS json)
target_include_directories(json INTERFACE /json/of/the/host)
{guest}
file(WRITE main.cpp "int main() {{}}")
add_executable(host main.cpp)
target_link_libraries(host PRIVATE edgecv::edgecv)
install(TARGETS host RUNTIME DESTINATION bin)
"""
FETCHED = """
include(FetchContent)
FetchContent_Declare(edgecv SOURCE_DIR {root} SOURCE_SUBDIR runtime)
FetchContent_MakeAvailable(edgecv)
"""


@pytest.mark.parametrize("way", ["add_subdirectory", "FetchContent"])
def test_as_a_guest_it_keeps_to_itself(way, tmp_path):
    guest = f"add_subdirectory({RUNTIME} edgecv)"
    guest = FETCHED.format(root=RUNTIME.parent) if way == "FetchContent" else guest
    project = tmp_path / "project"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(GUEST.format(guest=guest))
    build_rules, _ = rules(tmp_path / "build", source=project)
    # The host's standard, its nlohmann-json, its (empty) build type; nothing of ours in its flags.
    assert flags(build_rules, "host") == [["-std=gnu++20"]]
    for line in flags(build_rules):
        assert "-std=c++20" in line and not [flag for flag in line if flag.startswith("-O")]
    assert "-isystem /json/of/the/host" in build_rules

    scripts = (tmp_path / "build").rglob("cmake_install.cmake")
    installed = re.findall(
        r"DESTINATION|file\(INSTALL.*?\)", "".join(p.read_text() for p in scripts)
    )
    assert len(installed) == 1  # the host's program
    run("cmake", "--build", tmp_path / "build", "--target", "help")


def test_a_missing_nlohmann_json_says_how_to_get_it(tmp_path):
    nowhere = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("nlohmann_json", "Python")]
    for place in ("CMAKE_SYSTEM_PATH", "SYSTEM_ENVIRONMENT_PATH", "CMAKE_ENVIRONMENT_PATH"):
        nowhere += [f"-DCMAKE_FIND_USE_{place}=OFF"]
    tools = [compiler(tmp_path), f"-DCMAKE_AR={shutil.which('ar')}"]
    ninja = shutil.which("ninja", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    said = refusal(tmp_path / "build", *nowhere, *tools, f"-DCMAKE_MAKE_PROGRAM={ninja}")
    assert "nlohmann/json.hpp not found: apt install nlohmann-json3-dev, pip install" in said
