"""What `import edgecv` loads, and that all of its names are there when they are asked for."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import edgecv
import edgecv_runtime


def loaded_by(code: str, after: str = "") -> set[str]:
    """The modules that a fresh interpreter loads for `code`, beside those that it has `after`."""
    script = (
        # The first three are used by the finder of an editable installation.
        "import atexit, importlib.machinery, importlib.util, json, sys\n"
        f"{after}\nbefore = {{*sys.modules}}\n"
        f"{code}\nprint(json.dumps(sorted({{*sys.modules}} - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def ours(loaded: set[str]) -> set[str]:
    return {name for name in loaded if name.partition(".")[0] == "edgecv_runtime"}


def test_importing_edgecv_loads_nothing_else():
    assert loaded_by("import edgecv") == {"edgecv"}
    assert loaded_by("import edgecv_runtime") == {"edgecv_runtime"}


def test_load_brings_no_model_and_no_numpy():
    loaded = loaded_by("import edgecv; edgecv.load")
    found = ours(loaded)
    assert {name for name in found if name.startswith("edgecv_runtime.models.")} == {
        "edgecv_runtime.models.load",
        "edgecv_runtime.models.reopening",
    }
    rooms = {name.split(".")[1] for name in found if "." in name}
    assert not rooms & {"drawing", "images", "opencv", "results", "sources", "versions"}
    assert not loaded & {"numpy", "email", "importlib.metadata"}


def test_operations_bring_the_core_alone():
    loaded = loaded_by("import edgecv.ops", after="import numpy.typing")
    assert loaded == {
        "edgecv",
        "edgecv.ops",
        "edgecv_runtime",
        "edgecv_runtime._core",
        "edgecv_runtime.ops",
        "edgecv_runtime.results",
        "edgecv_runtime.results.masks",
    }


@pytest.mark.parametrize("package", [edgecv, edgecv_runtime], ids=lambda package: package.__name__)
def test_every_name_is_there(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)
    with pytest.raises(AttributeError, match=r"has no attribute 'nothing'"):
        _ = package.nothing


def test_each_name_of_the_runtime_has_a_home():
    assert dir(edgecv_runtime.ops)
    for name in set(edgecv_runtime.__all__) - {"ops"}:
        value = getattr(edgecv_runtime, name)
        home = getattr(value, "__module__", "edgecv_runtime._core")
        assert home.split(".")[0] == "edgecv_runtime", name
        assert getattr(importlib.import_module(home), name) is value


def test_ops_is_a_module_of_edgecv():
    import edgecv.ops
    import edgecv_runtime.ops

    assert edgecv.ops.__name__ == "edgecv.ops"
    assert edgecv.ops.__all__ == edgecv_runtime.ops.__all__
    for name in edgecv.ops.__all__:
        assert getattr(edgecv.ops, name) is getattr(edgecv_runtime.ops, name)


def test_inner_modules_import_each_other_and_not_the_face():
    home = Path(edgecv_runtime.__file__).parent
    seen = 0
    for path in home.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "edgecv_runtime":
                seen += 1
                wrong = {alias.name for alias in node.names} - {"_core", "ops"}
                assert not wrong, f"{path.relative_to(home)} imports {wrong} from the face"
    assert seen
