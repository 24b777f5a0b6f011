"""Packages that are too old, or cannot be loaded, are named in one line."""

import importlib.metadata
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tomllib

from edgecv.cli.doctor import opencv_finding, package_finding, torch_finding
from edgecv.cli.main import main
from edgecv_runtime import EngineError, versions
from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine
from edgecv_runtime.engines.openvino import OpenVinoEngine, core_and_forks
from edgecv_runtime.opencv import import_cv2
from edgecv_runtime.versions import require

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
LOWEST = {"torch": "2.8", "lightning": "2.6", "onnxruntime": "1.18", "onnx": "1.17"}


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    """As in pyproject.toml: what is installed here may have been before that changed."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    found = [f'{line}; extra == "some"' for line in lines]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: found)
    versions.lowest_versions.cache_clear()
    core_and_forks.cache_clear()
    yield found
    versions.lowest_versions.cache_clear()


def installed(monkeypatch, **found):
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: found.get(name) or real(name))


def test_the_lowest_versions_are_those_declared(declared):
    lowest = versions.lowest_versions()
    assert lowest.items() >= LOWEST.items()
    names = {re.split(r"[>=;\[]", line)[0] for line in declared} - {"edgecv", "ninja"}
    assert set(lowest) == names


def test_one_package_has_one_lowest_version(declared):
    bounds = {}
    for line in declared:
        name, _, bound = line.partition(";")[0].partition(">=")
        bounds.setdefault(name, set()).add(bound)
    assert all(len(each) == 1 for each in bounds.values()), bounds


@pytest.mark.parametrize("version", ["2.8", "2.8.0", "2.8.0+cpu", "2.8.1", "2.10.0", "3.0.0a0+git"])
def test_recent_enough(version):
    require("torch", version)


@pytest.mark.parametrize("version", ["2.7.1", "2.7.1+cu128", "1.13", "2.5.0a0+872d972e41.nv24.08"])
def test_too_old(version):
    expected = f"torch {version} is too old: edgecv needs 2.8 or later: pip install --upgrade"
    with pytest.raises(EngineError, match=re.escape(f"{expected} 'torch>=2.8'")):
        require("torch", version)


def test_what_is_not_installed_or_not_declared_is_left_to_others():
    require("no_such_package")
    require("ninja", "0.1")


def test_without_metadata(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    require("torch", "0.1")


def test_train_and_export(monkeypatch, tmp_path):
    pytest.importorskip("torch")
    from edgecv.training.run.fit import fit
    from edgecv_export import export, wrap

    installed(monkeypatch, lightning="2.4.0", onnxscript="0.3.0", onnx="1.16.0")
    with pytest.raises(EngineError, match=r"lightning 2\.4\.0 is too old: edgecv needs 2\.6"):
        fit(None, tmp_path)
    with pytest.raises(EngineError, match=r"onnx 1\.16\.0 is too old: edgecv needs 1\.17"):
        export(None, tmp_path / "out", labels=[])
    with pytest.raises(EngineError, match=r"onnx 1\.16\.0 is too old"):
        wrap(tmp_path / "a.onnx", tmp_path / "a.json", tmp_path / "out")


def test_engines(monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("onnxruntime.__version__", "1.17.3")
    with pytest.raises(EngineError, match=r"onnxruntime 1\.17\.3 is too old: edgecv needs 1\.18"):
        OnnxRuntimeEngine("no.onnx")
    pytest.importorskip("openvino")
    installed(monkeypatch, openvino="2023.1.0")
    with pytest.raises(EngineError, match=r"openvino 2023\.1\.0 is too old"):
        OpenVinoEngine("no.onnx")
    finding = package_finding("openvino", "OpenVINO", "")
    assert finding.state == "broken" and "too old" in finding.detail
    assert finding.advice == "pip install --upgrade 'openvino>=2024.6'"


def test_doctor_names_an_old_torch(monkeypatch):
    pytest.importorskip("torch")
    installed(monkeypatch, torch="2.6.0")
    finding = torch_finding()
    assert finding.state == "broken"
    assert finding.detail == "torch 2.6.0 is too old: edgecv needs 2.8 or later"


class Broken:
    """Finds a module, which cannot be imported."""

    def __init__(self, name, error):
        self.name, self.error = name, error

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            raise self.error
        return None


@pytest.fixture
def broken(monkeypatch):
    def make(name, error):
        for module in [each for each in sys.modules if each.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setattr(sys, "meta_path", [Broken(name, error), *sys.meta_path])

    return make


LIB_GL = "libGL.so.1: cannot open shared object file: No such file or directory"


def test_opencv_without_libgl(broken):
    broken("cv2", ImportError(LIB_GL, name="cv2"))
    with pytest.raises(EngineError) as caught:
        import_cv2()
    assert str(caught.value) == (
        "reading files and drawing need OpenCV, which is installed, but this machine lacks "
        "libGL.so.1: apt install libgl1 libglib2.0-0, or, where no windows are shown, "
        "pip uninstall opencv-python and pip install opencv-python-headless"
    )
    finding = opencv_finding()
    assert finding.state == "broken" and finding.detail.endswith("this machine lacks libGL.so.1")
    assert finding.advice.startswith("apt install libgl1 libglib2.0-0")


def test_opencv_that_is_not_installed(broken):
    broken("cv2", ModuleNotFoundError("No module named 'cv2'", name="cv2"))
    with pytest.raises(EngineError, match=r"not installed: pip install 'edgecv\[cpu\]', on a mach"):
        import_cv2()
    assert opencv_finding().state == "missing"


def test_opencv_for_another_numpy(broken):
    broken("cv2", ImportError("numpy.core.multiarray failed to import"))
    expected = r"cannot be imported \(numpy.core.multiarray failed to import\): pip install --upgr"
    with pytest.raises(EngineError, match=expected):
        import_cv2()


def test_an_old_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace(__version__="4.5.4"))
    with pytest.raises(EngineError, match=r"opencv-python 4\.5\.4 is too old: edgecv needs 4\.8"):
        import_cv2()


@pytest.mark.parametrize(
    ("name", "engine"), [("onnxruntime", OnnxRuntimeEngine), ("openvino", OpenVinoEngine)]
)
def test_engines_that_are_there_and_cannot_be_imported(broken, name, engine):
    broken(name, ImportError("numpy.core.multiarray failed to import", name=f"{name}.capi"))
    with pytest.raises(EngineError, match=rf"^{name} is installed, but cannot be imported \(numpy"):
        engine("no.onnx")


def test_the_command_names_what_cannot_be_imported(monkeypatch, capsys):
    def fail(args):
        raise ImportError(LIB_GL, name="cv2")

    monkeypatch.setattr("edgecv.cli.doctor.run", fail)
    assert main(["doctor"]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith(
        "edgecv: error: this command needs cv2, which is installed, but cannot"
    )
    assert "libGL.so.1" in stderr and len(stderr.splitlines()) == 1
