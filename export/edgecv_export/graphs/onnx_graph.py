"""From a torch module to an ONNX file's content."""

from __future__ import annotations

import contextlib
import io
import logging
import string
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import onnx
import torch
from torch import nn

from edgecv_export.errors import ExportError
from edgecv_export.graphs.operators import check_operators
from edgecv_runtime import InputError
from edgecv_runtime.one_line import first_line

Batch = int | Literal["dynamic"]


def images_to_onnx(
    network: nn.Module,
    size: tuple[int, int],
    *,
    outputs: list[str],
    batch: Batch,
    opset: int,
    size_multiple: int | None = None,
) -> onnx.ModelProto:
    """Exports a module that takes normalised images, float32 [B, 3, h, w], named ``images``.

    With ``size_multiple`` the graph takes every h and w that are multiples of it; ``size`` is then
    only the example that the module is traced with. Otherwise h and w are ``size``.

    Raises ExportError if torch cannot export it or the graph holds what engines cannot compile,
    InputError if the opset does not exist.
    """
    # The exporter would take a batch of 1 for a constant.
    example = torch.zeros(2 if batch == "dynamic" else batch, 3, *size)
    axes: dict[int, Any] = {}
    if batch == "dynamic":
        axes[0] = torch.export.Dim("batch")
    if size_multiple is not None:
        for axis, name in ((2, "rows"), (3, "columns")):
            length = torch.export.Dim(name)
            axes[axis] = length if size_multiple == 1 else size_multiple * length
    return to_onnx(
        network, (example,), inputs=["images"], outputs=outputs, dynamic=(axes,), opset=opset
    )


def to_onnx(
    network: nn.Module,
    examples: tuple[torch.Tensor, ...],
    *,
    inputs: list[str],
    outputs: list[str],
    dynamic: Any,
    opset: int,
) -> onnx.ModelProto:
    """Exports a module, weights included.

    ``dynamic`` says for each input which axes may have other lengths than in the example, as
    ``dynamic_shapes`` of ``torch.export.export``.

    Raises ExportError if torch cannot export it or the graph holds what engines cannot compile.
    """
    try:
        with _quiet():
            program = torch.onnx.export(
                network,
                examples,
                dynamo=True,
                external_data=False,
                opset_version=opset,
                input_names=inputs,
                output_names=outputs,
                dynamic_shapes=dynamic,
                optimize=True,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        cause = error.__cause__ or error
        raise ExportError(
            f"torch.onnx cannot export the network: {type(cause).__name__}: {first_line(cause)}"
        ) from error
    assert program is not None
    model = program.model_proto
    _strip_metadata(model)
    _plain_einsum(model)
    check_operators(model)
    onnx.checker.check_model(model, full_check=True)
    _check_opset(model, opset)
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _strip_metadata(model: onnx.ModelProto) -> None:
    """Drops the exporter's notes: stack traces with paths of this machine, in every node."""
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        item.ClearField("metadata_props")
        item.ClearField("doc_string")
    for tensor in graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")


def _plain_einsum(model: onnx.ModelProto) -> None:
    """Equations of Einsum in lower-case letters without spaces: TensorRT does not read others."""
    for node in model.graph.node:
        for attribute in node.attribute if node.op_type == "Einsum" else ():
            equation = attribute.s.decode().replace(" ", "")
            letters = dict.fromkeys(letter for letter in equation if letter.isalpha())
            plain = dict(zip(letters, string.ascii_lowercase, strict=False))
            attribute.s = "".join(plain.get(letter, letter) for letter in equation).encode()


def _check_opset(model: onnx.ModelProto, opset: int) -> None:
    written = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if written != opset:
        raise InputError(
            f"torch.onnx cannot write this network in opset {opset}: ask for {written}"
        )
