"""What CMake asks of compilers that cannot do everything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[1] / "runtime"

# A compiler that knows -flto, on a machine whose linker has no plug-in for it.
WITHOUT_PLUGIN = """#!/bin/sh
lto= link=1
for option in "$@"; do
  case "$option" in -flto*) lto=1 ;; -c|-E|-S) link= ;; esac
done
if [ "$lto" ] && [ "$link" ]; then
  echo "collect2: fatal error: could not run lto-wrapper" >&2
  exit 1
fi
exec {compiler} "$@"
"""


def configure(folder, compiler):
    """The rules that a wheel is built by."""
    command = ["cmake", "-S", RUNTIME, "-B", folder, "-G", "Ninja", "-DSKBUILD=ON"]
    command += [f"-DCMAKE_CXX_COMPILER={compiler}", "-DSKBUILD_PROJECT_VERSION=0.1.0"]
    command += [f"-DPython_EXECUTABLE={sys.executable}"]  # it has the packages that a build needs
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return (folder / "build.ninja").read_text(), done.stdout


def test_link_time_optimisation_is_asked_for_where_the_linker_has_it(tmp_path):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no g++")
    wrapper = tmp_path / "g++"
    wrapper.write_text(WITHOUT_PLUGIN.format(compiler=compiler))
    wrapper.chmod(0o755)
    rules, said = configure(tmp_path / "without", wrapper)
    assert "-flto" not in rules
    assert "The compiler cannot optimise at link time" in said

    probe = tmp_path / "probe.cpp"
    probe.write_text("int main() {}")
    linked = subprocess.run([compiler, "-flto", probe, "-o", tmp_path / "probe"], check=False)
    rules, said = configure(tmp_path / "with", compiler)
    assert ("-flto" in rules) == (linked.returncode == 0)


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
    command = ["cmake", "-S", RUNTIME, "-B", tmp_path, "-G", "Ninja", f"-DCMAKE_CXX_FLAGS={flags}"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())
