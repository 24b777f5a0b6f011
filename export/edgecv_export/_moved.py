"""Old names of modules. They lead to the new ones for one release, with a DeprecationWarning.

Example:
    import edgecv_export.engines.variants  # gives edgecv_export.precision.variant
"""

from __future__ import annotations

from edgecv import _moved

# Old name -> new name, both below `edgecv_export`.
_MODULES = {
    "activation": "outputs.activation",
    "anchor_help": "wrapping.anchor_guess",
    "box_values": "wrapping.box_values",
    "bundle_lock": "bundle.lock",
    "engines.activations": "precision.largest_values",
    "engines.additions": "bundle.additions",
    "engines.agreement": "precision.agreement",
    "engines.build": "tensorrt.build",
    "engines.build_monitor": "tensorrt.build_monitor",
    "engines.builder_options": "tensorrt.builder_options",
    "engines.calibration": "precision.calibration",
    "engines.calibration_pictures": "precision.calibration_images",
    "engines.cpu": "precision.byte_arithmetic",
    "engines.gate": "precision.accuracy_gate",
    "engines.gates": "precision.hard_swish",
    "engines.graph_index": "precision.graph_index",
    "engines.half": "precision.fp16_variant",
    "engines.half_cost": "precision.fp16_cost",
    "engines.histograms": "precision.histograms",
    "engines.int8": "precision.int8_variant",
    "engines.pipeline": "precision.pipeline",
    "engines.precision": "precision.fp16_graph",
    "engines.quantize": "precision.int8_graph",
    "engines.sensitivity": "precision.sensitivity",
    "engines.shape_ranges": "tensorrt.shape_ranges",
    "engines.sources": "precision.sources",
    "engines.store": "tensorrt.store",
    "engines.tensorrt": "tensorrt.plan",
    "engines.variants": "precision.variant",
    "graph_record": "bundle.graph_record",
    "graphs.cuts": "graphs.families",
    "inspect_onnx": "wrapping.inspect_onnx",
    "loading": "source.loading",
    "node_names": "bundle.node_names",
    "operators": "graphs.operators",
    "parity.graph_session": "outputs.graph_session",
    "parity.report": "report",
    "pictures": "generated_images",
    "score_function": "outputs.score_function",
    "skeleton": "wrapping.manifest_draft",
    "uint8_input": "precision.uint8_input",
    "users_code": "source.users_code",
    "wrap_check": "wrapping.output_checks",
}

_moved.lead("edgecv_export", _MODULES)
