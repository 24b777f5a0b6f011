"""Each kernel as several compilers build it, on one thread: processes take turns, minima count.

    python benchmarks/compilers/compare.py [--rounds 10] [--only "class map"] [--builds gcc,clang]

Builds the library in build/compilers with GCC and clang, and with GCC for AVX2 alone (`-mavx2`,
no choice of levels at run time), and prints a table in Markdown. All builds must give the same
bits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "compilers"
BUILDS = {
    "gcc": ("g++", "", "ON"),
    "clang": ("clang++", "", "ON"),
    "gcc -mavx2": ("g++", "-mavx2", "OFF"),
    "clang -mavx2": ("clang++", "-mavx2", "OFF"),
}


def build(name: str) -> Path:
    """The program of the kernels, with the library as this compiler builds it."""
    compiler, flags, clones = BUILDS[name]
    folder = WORK / name.replace(" ", "")
    configure = ["cmake", "-S", ROOT / "runtime", "-B", folder, "-G", "Ninja"]
    configure += [f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={flags}"]
    configure += [f"-DEDGECV_CLONES={clones}", "-DCMAKE_BUILD_TYPE=Release"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    command = ["cmake", "--build", folder, "--target", "edgecv_core"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    program = folder / "kernels"
    command = [compiler, "-std=c++17", "-O2", f"-I{ROOT / 'runtime' / 'include'}"]
    command += [Path(__file__).with_name("kernels.cpp"), folder / "libedgecv.a"]
    subprocess.run([*command, "-lz", "-lpthread", "-o", program], check=True)
    return program


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=10, help="processes of each build (default: 10)"
    )
    parser.add_argument("--only", default="", help="kernels whose names hold this text")
    parser.add_argument("--builds", default="gcc,clang,gcc -mavx2", help=f"of {', '.join(BUILDS)}")
    options = parser.parse_args()
    names = options.builds.split(",")
    programs = {name: build(name) for name in names}

    least: dict[str, dict[str, float]] = {}
    digests: dict[str, set[str]] = {}
    for _ in range(options.rounds):
        for name in names:
            command = [programs[name], "5", options.only]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            for line in said.splitlines():
                kernel, time, digest = line.split("\t")
                times = least.setdefault(kernel, {})
                times[name] = min(times.get(name, float("inf")), float(time))
                digests.setdefault(kernel, set()).add(digest)

    heads = ["kernel, ms of one thread", *names, *(f"{name} / {names[0]}" for name in names[1:])]
    print("|", " | ".join(heads), "|")
    print("|---" * (2 * len(names)) + "|")
    for kernel, times in least.items():
        ratios = [f"{times[name] / times[names[0]]:.2f}" for name in names[1:]]
        print("|", " | ".join([kernel, *(f"{times[name]:.3f}" for name in names), *ratios]), "|")
    differing = [kernel for kernel, found in digests.items() if len(found) > 1]
    if differing:
        sys.exit(f"results differ: {', '.join(differing)}")


if __name__ == "__main__":
    os.environ.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count()))
    main()
