// The methods of postprocessing: each one's part of bundle.json, in one file for each.
#pragma once

#include "bundle/json_node.hpp"
#include "edgecv/bundle/manifest.hpp"
#include "segmentation/segment_rules.hpp"

namespace edgecv {

SsdSpec read_ssd(const JsonNode& node);
Json write(const SsdSpec& spec);
/// What holds beyond the types of the values: task, roles, outputs and ranges. Throws Error
/// (bad_bundle).
void check(const Manifest& manifest, const SsdSpec& spec);

/// "retinanet" and "fcos".
DenseSpec read_dense(const JsonNode& node);
Json write(const DenseSpec& spec);
void check(const Manifest& manifest, const DenseSpec& spec);

RcnnSpec read_rcnn(const JsonNode& node);
Json write(const RcnnSpec& spec);
void check(const Manifest& manifest, const RcnnSpec& spec);

ClassifySpec read_classify(const JsonNode& node);
Json write(const ClassifySpec& spec);
void check(const Manifest& manifest, const ClassifySpec& spec);

SegmentSpec read_segment(const JsonNode& node);
Json write(const SegmentSpec& spec);
void check(const Manifest& manifest, const SegmentSpec& spec);

StylizeSpec read_stylize(const JsonNode& node);
Json write(const StylizeSpec& spec);
void check(const Manifest& manifest, const StylizeSpec& spec);

}  // namespace edgecv
