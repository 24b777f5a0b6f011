"""Trains ssd_tiny on all of BCCD and writes samples/data/cells.bundle (`make sample-bundle`).

python samples/data/train_cells.py BCCD

BCCD: the folder with Annotations, ImageSets and JPEGImages of
https://github.com/Shenggan/BCCD_Dataset. The run stays in build/cells until the next one.
"""

import json
import shlex
import shutil
import sys
from pathlib import Path

from edgecv.cli.main import main as edgecv
from edgecv_export.bundle.draft import MANIFEST, new_bundle

DATA = Path(__file__).parent
WORK = DATA.parents[1] / "build" / "cells"
TRAINING = "--epochs 40 --flip both --seed 0"


def main(bccd: str) -> None:
    images, bundle = DATA / "cells", DATA / "cells.bundle"
    shutil.rmtree(WORK, ignore_errors=True)
    run("train ssd_tiny --data", bccd, *TRAINING.split(), "--out", WORK / "run")
    run("export", WORK / "run" / "best.pt", "--images", images / "train", "--out", WORK / "bundle")
    run("build --precision fp16 --calibrate", images / "train", WORK / "bundle")
    keep_fp16(WORK / "bundle", bundle)
    run("eval --set-thresholds", bundle, "--data", bccd)
    run("eval", bundle, "--data", images)


def run(command: str, *arguments: object) -> None:
    words = [*command.split(), *map(str, arguments)]
    print(f"\n$ edgecv {shlex.join(words)}", flush=True)
    if edgecv(words) != 0:
        raise SystemExit(1)


def keep_fp16(source: Path, target: Path) -> None:
    """The bundle at `target` has the FP16 graphs of `source` alone: a third of its size."""
    manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    with new_bundle(target, overwrite=True) as draft:
        graphs = {
            role: [file for file in files if file["precision"] == "fp16"]
            for role, files in manifest["graphs"].items()
        }
        for file in (file for files in graphs.values() for file in files):
            draft.add_file(file["file"], (source / file["file"]).read_bytes())
        draft.manifest = {**manifest, "name": "cells", "graphs": graphs}
        draft.write_manifest()


if __name__ == "__main__":
    main(*sys.argv[1:])
