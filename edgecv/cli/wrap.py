"""edgecv wrap: a bundle around an ONNX detector that was made elsewhere."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "wrap",
        help="make a bundle around an ONNX file",
        description="Makes a bundle around an SSD-style ONNX file, and runs it once to see that "
        "its outputs fit what the manifest says.",
    )
    parser.add_argument("model", metavar="MODEL", help="the ONNX file")
    parser.add_argument(
        "--manifest", required=True, metavar="FILE", help="JSON with the keys of bundle.json"
    )
    parser.add_argument("-o", "--out", required=True, metavar="DIR", help="folder of the bundle")
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    parser.add_argument("--json", action="store_true", help="print the bundle's path as JSON")


def run(args: argparse.Namespace) -> int:
    from edgecv_export import wrap

    wrap(args.model, args.manifest, args.out, overwrite=args.overwrite)
    print(json.dumps({"bundle": args.out}) if args.json else f"bundle written to {args.out}")
    return 0
