#!/bin/sh
# What `make` needs of the machine and pip cannot install: names all that is missing, and the one
# command that installs it.
#
#   runtime/check_machine.sh [PYTHON]
set -u
python=${1:-python3}
missing="" packages=""

lacks() { # WHAT, DEBIAN PACKAGE
    missing="$missing${missing:+, }$1"
    packages="$packages${packages:+ }$2"
}

has_library() {
    "$python" -c "import ctypes, sys; ctypes.CDLL(sys.argv[1])" "$1" 2>/dev/null
}

if ! command -v "$python" >/dev/null; then
    lacks "Python ($python)" "python3 python3-venv python3-dev"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "$("$python" --version) is too old: edgecv needs 3.10 or later; try make PYTHON=python3.12" >&2
    exit 1
else
    name=python3
    # A second Python of this machine has packages of its own.
    [ "$python" = python3 ] || name=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' 2>/dev/null || lacks "Python's venv" "$name-venv"
    "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
        lacks "Python's headers (Python.h)" "$name-dev"
    if [ "$(uname -s)" = Linux ]; then # opencv-python shows windows; its wheel leaves these out
        has_library libGL.so.1 || lacks "libGL.so.1 (for opencv-python)" libgl1
        has_library libglib-2.0.so.0 || lacks "libglib-2.0.so.0 (for opencv-python)" libglib2.0-0
    fi
fi
if [ -n "${CXX:-}" ]; then
    # CXX may hold options, or a cache in front of the compiler.
    command -v "${CXX%% *}" >/dev/null || lacks "the C++ compiler $CXX" g++
else
    command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null ||
        lacks "a C++17 compiler" g++
fi

[ -n "$missing" ] || exit 0
echo "missing: $missing" >&2
if command -v apt-get >/dev/null; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo "
    echo "install it with: ${sudo}apt install $packages" >&2
else
    echo "install it; on Debian and Ubuntu it is: apt install $packages" >&2
fi
exit 1
