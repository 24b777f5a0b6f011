"""edgecv wrap: a bundle around an ONNX file that was made elsewhere."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edgecv_runtime.one_line import printable


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "wrap",
        help="make a bundle around an ONNX file",
        description="Makes a bundle around an ONNX file, and runs it on some images to see that "
        "its outputs fit what the manifest says. With --inspect it says what the outputs are, and "
        "gives a manifest to begin with.",
    )
    parser.add_argument("model", metavar="MODEL", help="the ONNX file")
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="JSON with the keys of bundle.json; with --inspect the file to write",
    )
    parser.add_argument("-o", "--out", metavar="DIR", help="folder of the bundle")
    parser.add_argument(
        "--inspect",
        action="store_true",
        help="make no bundle: show inputs, outputs and what is missing, and print a manifest",
    )
    parser.add_argument(
        "--images",
        metavar="DIR",
        help="images to run it on, like those in use (default: generated ones)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing bundle")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from edgecv.cli.options.files import require_file
    from edgecv_runtime import InputError

    require_file(args.model, "an ONNX model")
    if args.inspect:
        if args.out is not None or args.overwrite:
            raise InputError("--inspect does not make a bundle: leave out --out and --overwrite")
        return _inspect(args)
    for option, given in (("--manifest", args.manifest), ("--out", args.out)):
        if given is None:
            raise InputError(
                f"{option} is missing: edgecv wrap MODEL --manifest FILE --out DIR, or edgecv wrap "
                "MODEL --inspect for a manifest to begin with"
            )
    from edgecv_export.bundle.draft import check_target

    check_target(args.out, args.overwrite)
    require_file(args.manifest, "a JSON file with the keys of bundle.json")

    from edgecv_export import wrap

    wrap(args.model, args.manifest, args.out, images=_images(args), overwrite=args.overwrite)
    done = f"bundle written to {printable(args.out)}"
    print(json.dumps({"bundle": args.out}) if args.json else done)
    return 0


def _inspect(args: argparse.Namespace) -> int:
    from edgecv_export.wrapping.inspect_onnx import inspect_onnx, write_manifest_draft

    found = inspect_onnx(args.model, _images(args))
    if args.manifest is not None:
        write_manifest_draft(found, args.manifest)
    if args.json:
        print(json.dumps(found.to_dict()))
        return 0
    print(found.text())
    if args.manifest is not None:
        advice = f"manifest written to {args.manifest}: edit it, then edgecv wrap {args.model} ..."
        print(printable(advice))
    elif found.manifest is not None:
        print(json.dumps(found.manifest, indent=2))
    return 0


def _images(args: argparse.Namespace) -> Any:
    from edgecv.cli.export import read_images

    return None if args.images is None else read_images(args.images)
