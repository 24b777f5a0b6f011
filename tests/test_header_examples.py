"""The examples that open the headers of the C++ library compile, and names of before still do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

RUNTIME = Path(__file__).parents[1] / "runtime"
HEADERS = sorted((RUNTIME / "include" / "edgecv").rglob("*.hpp"))
PRIVATE = sorted((RUNTIME / "src").rglob("*.hpp"))
STANDARD = ["algorithm", "cstdio", "fstream", "memory", "string", "utility", "variant", "vector"]


def opening(header: Path) -> str:
    """The comment before anything else, without its slashes."""
    lines = re.split("^#", header.read_text(), maxsplit=1, flags=re.M)[0].splitlines()
    assert all(line == "//" or line.startswith("// ") for line in lines), header
    return "\n".join(line[3:] for line in lines)


def example(header: Path) -> str:
    """Its lines that are set off by two spaces more."""
    return "\n".join(line for line in opening(header).splitlines() if line.startswith("  "))


def compiled(source: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    compiler = shutil.which("c++")
    assert compiler is not None
    file = folder / "source.cpp"
    file.write_text(source)
    folders = [f"-I{RUNTIME / name}" for name in ("include", "old_paths", "src")]
    command = [compiler, "-std=c++17", "-fsyntax-only", *folders, *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def functions(headers: list[Path], around: str) -> str:
    """A source file with each example in a function of its own."""
    source = "".join(f"#include <{name}>\n" for name in STANDARD)
    source += "#define EDGECV_HAS_ONNXRUNTIME\n#define EDGECV_HAS_OPENVINO\n"
    source += '#include "edgecv/edgecv.hpp"\n'
    for number, header in enumerate(headers):
        source += f'#include "{header}"\nvoid example_{number}() {{\n{around}\n'
        source += f'#line 1 "example of {header.name}"\n{example(header)}\n}}\n'
    return source


def test_each_public_header_opens_with_an_example() -> None:
    assert len(HEADERS) > 35
    assert [str(header) for header in HEADERS if not example(header)] == []


def test_the_examples_compile(tmp_path: Path) -> None:
    done = compiled(functions(HEADERS, ""), tmp_path)
    assert done.returncode == 0, done.stderr[:3000]


def test_examples_of_the_librarys_own_headers_compile(tmp_path: Path) -> None:
    headers = [header for header in PRIVATE if example(header)]
    assert len(headers) >= 6
    # Those of vectors are included for one level of processors.
    level = ["LEVEL=base", "KERNEL_INLINE=EDGECV_INLINE", "REGISTER_BYTES=16"]
    options = [f"-DEDGECV_{name}" for name in level] + ["-include", "simd/level.hpp"]
    around = "using namespace edgecv; using namespace edgecv::base;"
    source = "namespace edgecv::base {}\n" + functions(headers, around)
    done = compiled(source, tmp_path, "-Wno-psabi", *options)
    assert done.returncode == 0, done.stderr[:3000]


OLD_NAMES = """
#include "edgecv/box_head.hpp"
#include "edgecv/masks.hpp"
#include "edgecv/stylizer.hpp"
#include "edgecv/tiles.hpp"

std::vector<edgecv::TileGroup> old_names(edgecv::Geometry geometry, edgecv::StylizeSpec spec) {
  std::vector<float> boxes(4);
  edgecv::to_picture(geometry, boxes);
  std::uint8_t frame[3];
  edgecv::paint_mask({}, {1, 1}, frame);
  edgecv::write_picture(spec, boxes.data(), {1, 1}, {frame, {1, 1}, 3});
  edgecv::blend_picture(spec, boxes.data(), {1, 1}, {frame, {1, 1}, 3}, {});
  edgecv::PaintedPicture painted;
  edgecv::TwoStageEngines engines;
  engines.trunk = nullptr;
  edgecv::TwoStageTiming timing;
  timing.trunk_ms += 1;
  edgecv::TileFindings findings{};
  findings.picture = painted.size;
  return edgecv::group_tiles(findings, 0.5);
}
"""


def test_names_of_before_compile_with_a_warning_each(tmp_path: Path) -> None:
    done = compiled(OLD_NAMES, tmp_path)
    assert done.returncode == 0, done.stderr[:3000]
    new_names = "boxes_to_image draw_mask write_image blend_image StylizedImage backbone_ms"
    hints = set(re.findall(r"is deprecated: (\w+)", done.stderr))
    assert hints == {*new_names.split(), "TileDetections"}
