"""Runs check.py with the lowest versions that pyproject.toml declares, and with the newest.

    python tests/versions/run.py [lowest] [newest]

Each has an environment in build/versions, which pip's resolver would not make: uv takes the lowest
version of whatever is declared, and the newest of what only others ask for. Some 7 GB each.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).parents[2]
RESOLUTION = {"lowest": "lowest-direct", "newest": "highest"}
EXTRAS = ("cpu", "openvino", "train", "export")
BESIDE = ("supervision", "cmake", "ninja")  # of the extra dev


def main(kinds: list[str]) -> int:
    uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
    if uv is None:
        sys.exit("uv is not installed: pip install uv")
    unknown = set(kinds) - set(RESOLUTION)
    if unknown:
        sys.exit(f"{', '.join(unknown)}: expected lowest or newest")
    failed = [kind for kind in kinds or RESOLUTION if not passes(kind, uv)]
    print(f"failed with the {' and '.join(failed)} versions" if failed else "all passed")
    return 1 if failed else 0


def passes(kind: str, uv: str) -> bool:
    """Makes the environment, installs edgecv into it as a wheel, and checks it."""
    environment = ROOT / "build" / "versions" / kind
    python = environment / "bin" / "python"
    print(f"{kind}: {environment}", flush=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    commands = [
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
        # What builds it is declared, too; so it is in one resolution with the rest.
        [*install, "--resolution", RESOLUTION[kind], "-r", "pyproject.toml", *extras, *beside()],
        [*install, "--no-deps", "--no-build-isolation", "."],
        [str(python), str(Path(__file__).parent / "check.py")],
    ]
    return all(subprocess.run(command, cwd=ROOT).returncode == 0 for command in commands)


def beside() -> list[str]:
    """Requirements, as declared, that no extra of EXTRAS has."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    dev = declared["project"]["optional-dependencies"]["dev"]
    chosen = [line for line in dev if line.partition(">=")[0] in BESIDE]
    return [*declared["build-system"]["requires"], *chosen]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
