"""The documentation's example runs and prints what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_full_example_of_wrap(tmp_path: Path) -> None:
    text = (DOCS / "wrap.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (printed,) = re.findall(r"It prints\n\n```\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed
    assert (tmp_path / "street" / "bundle.json").is_file()


def test_the_manifest_of_an_export_has_the_keys_of_the_page(small_bundle: Path) -> None:
    """docs/bundle.md; what else its example says is compared with the sample's bundle."""
    page = (DOCS / "bundle.md").read_text(encoding="utf-8")
    manifest = json.loads((small_bundle / "bundle.json").read_text(encoding="utf-8"))
    example = json.loads(re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0])
    assert list(manifest) == [key for key in example if key != "thresholds"]
    shown, real = example["provenance"], manifest["provenance"]
    assert list(shown["versions"]) == list(real["versions"])
    assert set(shown["parity"]) <= set(real["parity"])
    provenance = page.partition("### `provenance`\n")[2].partition("\n### ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", provenance, re.MULTILINE))
    assert set(real) <= listed and {"checkpoint", "variants", "wrapped"} <= listed
