"""Bundles whose nodes have no names load in versions of ONNX Runtime that need some."""

import sys

import onnx
import pytest

from edgecv_runtime import EngineError
from edgecv_runtime.engines.onnx_names import name_nodes
from edgecv_runtime.engines.onnxruntime import OnnxRuntimeEngine
from helpers.tiny_bundle import write_tiny_bundle


@pytest.fixture
def nameless(tmp_path):
    """A graph file with weights: a doubled name, one that a new name could take, and none."""
    folder = write_tiny_bundle(tmp_path / "bundle")
    model = onnx.load(folder / "main.onnx")
    names = ["a", "a", "a_1"]
    for index, node in enumerate(model.graph.node):
        node.name = names[index] if index < len(names) else ""
    onnx.save(model, folder / "main.onnx")
    assert len(model.graph.node) > len(names) + 1
    return folder / "main.onnx"


def test_only_the_names_change(nameless):
    before = onnx.load(nameless)
    after = onnx.load_from_string(name_nodes(nameless.read_bytes()))
    names = [node.name for node in after.graph.node]
    assert names[:4] == ["a", "a_2", "a_1", "node_1"]
    assert len(set(names)) == len(names) and all(names)
    for model in (before, after):
        for node in model.graph.node:
            node.ClearField("name")
    assert after == before


@pytest.mark.parametrize("cut", [1, 100])
def test_what_is_no_onnx_file(nameless, cut):
    with pytest.raises(ValueError, match="not an ONNX file"):
        name_nodes(nameless.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="not an ONNX file"):
        name_nodes(b"\xff" * 20)


class Old:
    """ONNX Runtime as before 1.22: it takes no nameless file."""

    def __init__(self, real, message):
        self.real, self.message, self.taken = real, message, []

    def __getattr__(self, name):
        return getattr(self.real, name)

    def InferenceSession(self, model, *args, **kwargs):
        self.taken.append(type(model))
        if not isinstance(model, bytes):
            raise RuntimeError(self.message)
        names = [node.name for node in onnx.load_from_string(model).graph.node]
        assert len(set(names)) == len(names)
        return self.real.InferenceSession(model, *args, **kwargs)


def old(monkeypatch, message):
    found = Old(pytest.importorskip("onnxruntime"), message)
    monkeypatch.setitem(sys.modules, "onnxruntime", found)
    return found


def test_an_old_runtime_gets_names(nameless, monkeypatch):
    message = "This is an invalid model. Error: two nodes with same node name (/Split/)."
    found = old(monkeypatch, message)
    engine = OnnxRuntimeEngine(nameless)
    assert found.taken == [str, bytes] and engine.inputs


def test_other_errors_are_not_tried_again(nameless, monkeypatch):
    found = old(monkeypatch, "Protobuf parsing failed.")
    with pytest.raises(EngineError, match=r"main\.onnx: Protobuf parsing failed"):
        OnnxRuntimeEngine(nameless)
    assert found.taken == [str]
