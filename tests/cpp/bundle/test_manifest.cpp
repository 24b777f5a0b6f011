#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "bundle/manifest_rules.hpp"
#include "edgecv/bundle/manifest.hpp"
#include "edgecv/error.hpp"
#include "golden.hpp"
#include "refusal.hpp"

using edgecv::Error;
using edgecv::Manifest;
using edgecv::testing::manifest_refusal;

namespace {

/// The golden manifest with one change, and the message that the change gives.
struct Fault {
  const char* from;
  const char* to;
  const char* message;
};

void check_faults(const std::vector<Fault>& faults, const std::string& golden = golden_manifest()) {
  for (const Fault& fault : faults) {
    CAPTURE(std::string(fault.to));
    CHECK(manifest_refusal(replaced(golden, fault.from, fault.to)) ==
          std::string("bundle.json") + fault.message);
  }
}

const char* const kAnchorsTail = R"("pixel_ratios": true
    })";

std::string with_anchors(const std::string& anchors) {
  const std::string text = golden_manifest();
  const std::size_t begin = text.find("\"anchors\": {");
  const std::size_t end = text.find(kAnchorsTail) + std::string(kAnchorsTail).size();
  return text.substr(0, begin) + "\"anchors\": " + anchors + text.substr(end);
}

std::string default_boxes(const std::string& change_from = "", const std::string& to = "") {
  // 2*2 cells * 4 boxes + 1 cell * 4 boxes = the golden graph's 20.
  std::string anchors =
      R"({"kind": "default_boxes", "feature_sizes": [[2, 2], [1, 1]], "aspect_ratios": [[2], [3]],)"
      R"( "scales": [0.2, 0.5, 0.9], "steps": [8, 16], "clip": true})";
  if (!change_from.empty()) anchors = replaced(anchors, change_from, to);
  return with_anchors(anchors);
}

}  // namespace

TEST_CASE("the golden manifest of schema 1 is read in full") {
  const Manifest manifest = Manifest::from_json(golden_manifest());
  CHECK(manifest.schema == 1);
  CHECK(manifest.name == "golden");
  CHECK(manifest.task == edgecv::Task::detect);
  CHECK(manifest.architecture == "tiny_ssd");
  CHECK(manifest.labels == std::vector<std::string>{"cat", "dog"});

  const edgecv::InputSpec& input = manifest.input;
  CHECK(input.color == edgecv::Color::rgb);
  CHECK(input.size == edgecv::Size{16, 24});
  CHECK(input.resize == edgecv::Resize::stretch);
  CHECK_FALSE(input.max_size);
  CHECK_FALSE(input.crop);
  CHECK(input.scale == 1.0 / 255.0);
  CHECK(input.mean == std::array<double, 3>{0.485, 0.456, 0.406});
  CHECK(input.std == std::array<double, 3>{0.229, 0.224, 0.225});
  CHECK(input.dtype == edgecv::DType::float32);
  CHECK(input.layout == edgecv::Layout::nchw);

  REQUIRE(manifest.graphs.size() == 1);
  const edgecv::GraphFile& graph = manifest.graphs.at("main").at(0);
  CHECK(graph.file == "main.onnx");
  CHECK(graph.precision == "fp32");
  CHECK(graph.dialect == "onnx");
  CHECK(graph.inputs.at(0).name == "images");
  CHECK(graph.inputs.at(0).shape == edgecv::Shape{-1, 3, 16, 24});
  CHECK(graph.outputs.at(1).shape == edgecv::Shape{-1, 20, 4});

  const auto& spec = std::get<edgecv::SsdSpec>(manifest.postprocess);
  CHECK(spec.scores_output == "logits");
  CHECK(spec.score_function == edgecv::ScoreFunction::softmax);
  CHECK(spec.background == edgecv::Background::first);
  CHECK(spec.boxes_output == "deltas");
  CHECK(spec.boxes_are_deltas);
  CHECK(spec.coder.weight_w == 5.0f);
  CHECK(spec.coder.max_log_scale == 4.135166556742356f);
  const auto& prior = std::get<edgecv::MultiboxPrior>(spec.anchors);
  CHECK(prior.feature_sizes.at(0) == edgecv::Size{2, 2});
  CHECK(prior.scales == std::vector<std::vector<float>>{{0.4f, 0.6f}, {0.8f, 0.9f}});
  CHECK(prior.pixel_ratios);
  CHECK(spec.score_threshold == 0.01f);
  CHECK(spec.iou_threshold == 0.45);
  CHECK(spec.topk_candidates == 400);
  CHECK(spec.max_detections == 200);
  CHECK(manifest.provenance == R"({"made_by":"tests/golden/make_bundle_v1.py","seed":1})");
}

TEST_CASE("a manifest is written as it was read") {
  for (const char* bundle : {"bundle_v1", "bundle_v1_anchor_file"}) {
    const std::string text = golden_manifest(bundle);
    CHECK(Manifest::from_json(text).to_json() == text);
  }
  for (const std::string& text : {default_boxes(), default_boxes("[8, 16]", "null")}) {
    const Manifest manifest = Manifest::from_json(text);
    const Manifest again = Manifest::from_json(manifest.to_json());
    const auto& boxes =
        std::get<edgecv::DefaultBoxes>(std::get<edgecv::SsdSpec>(manifest.postprocess).anchors);
    const auto& boxes_again =
        std::get<edgecv::DefaultBoxes>(std::get<edgecv::SsdSpec>(again.postprocess).anchors);
    CHECK(boxes_again.scales == std::vector<double>{0.2, 0.5, 0.9});
    CHECK(boxes_again.steps == boxes.steps);
    CHECK(boxes_again.clip);
    CHECK(boxes_again.aspect_ratios == std::vector<std::vector<float>>{{2}, {3}});
  }
}

TEST_CASE("every choice is written as it was read") {
  using Changes = std::vector<std::pair<const char*, const char*>>;
  const std::vector<Changes> choices = {
      {{"\"rgb\"", "\"bgr\""}},
      {{"\"stretch\"", "\"letterbox\""}, {"\"center\"", "\"top_left\""}},
      {{"\"stretch\"", "\"shortest_edge\""},
       {"\"size\": [16, 24]", "\"size\": [20, 20]"},
       {"\"max_size\": null", "\"max_size\": 30"},
       {"\"crop\": null", "\"crop\": [16, 24]"}},
      {{"\"stretch\"", "\"none\""}, {"\"size\": [16, 24]", "\"size\": null"}},
      {{"\"bilinear\"", "\"nearest\""}},
      {{"\"antialias\": false", "\"antialias\": true"}},
      {{"\"scale\": 0.00392156862745098", "\"scale\": 1.0"},
       {"\"pad_value\": 0.0", "\"pad_value\": -0.5"}},
      {{"\"nchw\"", "\"nhwc\""}, {"[null, 3, 16, 24]", "[1, 16, 24, 3]"}},
      {{"\"dtype\": \"float32\",\n", "\"dtype\": \"uint8\",\n"},
       {"{\"name\": \"images\", \"dtype\": \"float32\"",
        "{\"name\": \"images\", \"dtype\": \"uint8\""}},
      {{"\"dtype\": \"float32\",\n", "\"dtype\": \"float16\",\n"},
       {"{\"name\": \"images\", \"dtype\": \"float32\"",
        "{\"name\": \"images\", \"dtype\": \"float16\""}},
      {{"\"fp32\"", "\"fp16\""}, {"\"dialect\": \"onnx\"", "\"dialect\": \"tensorrt\""}},
      {{"\"fp32\"", "\"bf16\""}},
      {{"\"fp32\"", "\"int8\""}},
      {{"\"softmax\"", "\"sigmoid\""}, {"\"background\": \"first\"", "\"background\": \"last\""}},
      {{"\"softmax\"", "\"none\""},
       {"\"background\": \"first\"", "\"background\": \"none\""},
       {"[null, 20, 3]", "[null, 20, 2]"}},
      {{"\"pixel_ratios\": true", "\"pixel_ratios\": false"}},
  };
  for (const Changes& changes : choices) {
    std::string text = golden_manifest();
    for (const auto& [from, to] : changes) text = replaced(text, from, to);
    CHECK(Manifest::from_json(text).to_json() == text);
  }
  for (const char* encoding : {"xyxy", "cxcywh", "xywh"}) {
    std::string text = replaced(with_anchors("null"), "\"encoding\": \"deltas\"",
                                std::string("\"encoding\": \"") + encoding + "\"");
    text = replaced(text, "\"normalized\": false", "\"normalized\": true");
    CHECK(Manifest::from_json(text).to_json() == text);
  }
}

TEST_CASE("floats are written with the fewest digits that read back the same") {
  Manifest manifest = Manifest::from_json(golden_manifest());
  auto& prior =
      std::get<edgecv::MultiboxPrior>(std::get<edgecv::SsdSpec>(manifest.postprocess).anchors);
  unsigned state = 1;
  for (int round = 0; round < 2000; ++round) {
    state = state * 1664525u + 1013904223u;
    const float value = static_cast<float>(state >> 8) * 1.1e-7f + 1e-6f;
    prior.scales[0][1] = value;
    manifest.input.scale = static_cast<double>(state) / 3e11 + 1e-6;
    const std::string text = manifest.to_json();
    const Manifest again = Manifest::from_json(text);
    CHECK(std::get<edgecv::MultiboxPrior>(std::get<edgecv::SsdSpec>(again.postprocess).anchors)
              .scales[0][1] == value);
    CHECK(again.input.scale == manifest.input.scale);
  }
  prior.scales[0][1] = 0.1f;
  CHECK(manifest.to_json().find("[0.4, 0.1]") != std::string::npos);
}

TEST_CASE("long arrays are broken into lines, short ones are not") {
  Manifest manifest = Manifest::from_json(golden_manifest());
  manifest.provenance = R"({"short": [1, [2, 3]], "long": [)" + std::string(120, ' ') +
                        R"("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
                        R"("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]})";
  const std::string text = manifest.to_json();
  CHECK(text.substr(text.find("  \"provenance\"")) ==
        "  \"provenance\": {\n"
        "    \"short\": [1, [2, 3]],\n"
        "    \"long\": [\n"
        "      \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\n"
        "      \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n"
        "    ]\n"
        "  }\n"
        "}\n");
}

TEST_CASE("a gray input has one mean and one std") {
  std::string text = replaced(golden_manifest(), "\"rgb\"", "\"gray\"");
  CHECK(manifest_refusal(text) ==
        "bundle.json: input.mean: expected one number for each of 1 channels, got 3");
  text = replaced(text, "[0.485, 0.456, 0.406]", "[0.5]");
  text = replaced(text, "[0.229, 0.224, 0.225]", "[0.25]");
  text = replaced(text, "[null, 3, 16, 24]", "[null, 1, 16, 24]");
  const Manifest manifest = Manifest::from_json(text);
  CHECK(manifest.input.mean[0] == 0.5);
  CHECK(manifest.to_json() == text);
}

TEST_CASE("keys that are unknown, missing or there twice") {
  check_faults({
      {"\"color\"", "\"colour\"",
       ": input.colour: unknown key; expected one of color, size, resize, max_size, align, crop, "
       "interpolation, antialias, scale, mean, std, pad_value, pad_multiple, dtype, layout"},
      {"\"schema\": 1,", "\"schema\": 1, \"a\\nb\": 1,",
       ": a?b: unknown key; expected one of schema, name, task, architecture, labels, input, "
       "graphs, postprocess, provenance"},
      {"\"kind\": \"multibox_prior\",", "\"kind\": \"multibox_prior\", \"clip\": true,",
       ": postprocess.anchors.clip: unknown key; expected one of kind, feature_sizes, scales, "
       "ratios, pixel_ratios"},
      {"\"name\": \"golden\",", "", ": name: missing"},
      {"\"align\": \"center\",", "", ": input.align: missing"},
      {"\"dialect\": \"onnx\",", "", ": graphs.main[0].dialect: missing"},
      {"\"method\": \"ssd\",", "", ": postprocess.method: missing"},
      {"\"kind\": \"multibox_prior\",", "", ": postprocess.anchors.kind: missing"},
      {"\"align\": \"center\",", "\"align\": \"center\", \"align\": \"center\",",
       ": input.align: the key is there twice"},
      {"{\"name\": \"deltas\",", "{\"name\": \"deltas\", \"name\": \"deltas\",",
       ": graphs.main[0].outputs[1].name: the key is there twice"},
      {"\"seed\": 1", "\"seed\": 1, \"seed\": 2", ": provenance.seed: the key is there twice"},
  });
}

TEST_CASE("values of another type") {
  check_faults({
      {"\"schema\": 1,", "\"schema\": \"1\",", ": schema: expected an integer, got \"1\""},
      {"\"golden\"", "7", ": name: expected a string, got 7"},
      {"\"cat\"", "null", ": labels[0]: expected a string, got null"},
      {"[\"cat\", \"dog\"]", "\"cat\"", ": labels: expected an array, got \"cat\""},
      {"[16, 24],", "[16, 24, 3],", ": input.size: expected [height, width], got an array of 3"},
      {"[16, 24],", "[16.5, 24],", ": input.size[0]: expected an integer, got 16.5"},
      {"\"antialias\": false", "\"antialias\": 0",
       ": input.antialias: expected true or false, got 0"},
      {"\"pad_multiple\": 1", "\"pad_multiple\": 3000000000",
       ": input.pad_multiple: expected an integer of 32 bits, got 3000000000"},
      {"\"pad_value\": 0.0", "\"pad_value\": {}",
       ": input.pad_value: expected a number, got an object"},
      {"[null, 20, 4]", "[null, 20, 18446744073709551615]",
       ": graphs.main[0].outputs[1].shape[2]: expected an integer, got 18446744073709551615"},
      {"\"score_threshold\": 0.01", "\"score_threshold\": 1e39",
       ": postprocess.score_threshold: expected a number that fits a 32-bit float, got 1e+39"},
      {"{\"made_by\": \"tests/golden/make_bundle_v1.py\", \"seed\": 1}", "[]",
       ": provenance: expected an object, got an array of 0"},
  });
  CHECK(manifest_refusal("[]") ==
        "bundle.json: schema: missing; a manifest is an object with the key schema");
}

TEST_CASE("values that a key cannot have") {
  check_faults({
      {"\"schema\": 1,", "\"schema\": 0,", ": schema: expected 1 or above, got 0"},
      {"\"golden\"", "\"\"", ": name: expected a string that is not empty, got \"\""},
      {"\"detect\"", "\"detection\"",
       ": task: expected one of classify, detect, instance, segment, stylize, got \"detection\""},
      {"\"detect\"", "\"segment\"",
       ": task: expected detect, since postprocess.method is ssd, got segment"},
      {"[\"cat\", \"dog\"]", "[]", ": labels: expected 1 to 100000 names, got 0"},
      {"\"dog\"", "\"\"", ": labels[1]: expected a string that is not empty, got \"\""},
      {"\"rgb\"", "\"RGB\"", ": input.color: expected one of rgb, bgr, gray, got \"RGB\""},
      {"\"bilinear\"", "\"cubic\"",
       ": input.interpolation: expected one of bilinear, nearest, bicubic, got \"cubic\""},
      {"\"fp32\"", "\"fp64\"",
       ": graphs.main[0].precision: expected one of fp32, fp16, bf16, int8, got \"fp64\""},
      {"\"dialect\": \"onnx\"", "\"dialect\": \"caffe\"",
       ": graphs.main[0].dialect: expected one of onnx, tensorrt, got \"caffe\""},
      {"[null, 3, 16, 24]", "[0, 3, 16, 24]",
       ": graphs.main[0].inputs[0].shape[0]: expected a length of at least 1 or null, got 0"},
      {"[null, 3, 16, 24]", "[-1, 3, 16, 24]",
       ": graphs.main[0].inputs[0].shape[0]: expected a length of at least 1 or null, got -1"},
      {"\"main\": [", "\"roi\": [", ": graphs.main: missing"},
      {"\"ssd\"", "\"yolo\"",
       ": postprocess.method: expected one of ssd, retinanet, fcos, rcnn, classify, segment, "
       "stylize, got \"yolo\""},
      {"\"multibox_prior\"", "\"grid\"",
       ": postprocess.anchors.kind: expected one of default_boxes, multibox_prior, file, got "
       "\"grid\""},
      {"\"encoding\": \"deltas\"", "\"encoding\": \"corners\"",
       ": postprocess.boxes.encoding: expected one of deltas, xyxy, cxcywh, xywh, got "
       "\"corners\""},
      {"[10.0, 10.0, 5.0, 5.0]", "[10, 10, 5]",
       ": postprocess.boxes.weights: expected 4 numbers (x, y, w, h), got 3"},
      {"[10.0, 10.0, 5.0, 5.0]", "[10, 10, 5, 0]",
       ": postprocess.boxes.weights[3]: expected a number in 1e-6..1e6, got 0"},
      {"4.1351666", "-1",
       ": postprocess.boxes.max_log_scale: expected a number above 0, at most 60, got -1"},
      {"\"score_threshold\": 0.01", "\"score_threshold\": -0.01",
       ": postprocess.score_threshold: expected a number in 0..1, got -0.01"},
      {"\"iou_threshold\": 0.45", "\"iou_threshold\": 1.5",
       ": postprocess.iou_threshold: expected a number in 0..1, got 1.5"},
      {"400", "0", ": postprocess.topk_candidates: expected 1 or above, got 0"},
      {"\"max_detections\": 200", "\"max_detections\": -1",
       ": postprocess.max_detections: expected 1 or above, got -1"},
  });
  CHECK(manifest_refusal(replaced(golden_manifest(), "\"pad_multiple\": 1", "\"pad_multiple\": 0"))
            .find("bundle.json: input.pad_multiple ") == 0);
}

TEST_CASE("a newer schema is refused before its keys are looked at") {
  CHECK(manifest_refusal(R"({"schema": 4, "other": []})") ==
        "bundle.json has schema 4, this edgecv reads up to 3: install a newer edgecv");
}

TEST_CASE("sha256 is 64 hex digits, of either case") {
  const std::string text = golden_manifest();
  const std::size_t begin = text.find("\"sha256\": \"") + 11;
  const std::string digest = text.substr(begin, 64);
  std::string upper = digest;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  CHECK(Manifest::from_json(replaced(text, digest, upper)).to_json() == text);
  CHECK(manifest_refusal(replaced(text, digest, digest.substr(1))).find("expected 64 hex digits") !=
        std::string::npos);
  CHECK(manifest_refusal(replaced(text, digest, "g" + digest.substr(1)))
            .find("expected 64 hex digits") != std::string::npos);
}

TEST_CASE("file names stay inside the bundle") {
  const auto with_file = [](const std::string& name) {
    return replaced(golden_manifest(), "\"main.onnx\"", name);
  };
  for (const char* name : {R"("graphs/main.onnx")", R"("a..b.onnx")", R"("größe.onnx")"}) {
    CHECK(manifest_refusal(with_file(name)) == "");
  }
  const std::vector<std::pair<const char*, const char*>> refused = {
      {R"("")", "empty"},
      {R"("/etc/passwd")", "absolute"},
      {R"("../main.onnx")", "the part .."},
      {R"("graphs/../../main.onnx")", "the part .."},
      {R"("./main.onnx")", "the part ."},
      {R"("graphs//main.onnx")", "an empty part"},
      {R"("graphs/")", "an empty part"},
      {R"("..\\main.onnx")", "a backslash; folders are divided by /"},
      {R"("C:main.onnx")", "a colon"},
      {R"("main.onnx\u0000.txt")", "a control character"},
      {R"("main\n.onnx")", "a control character"},
  };
  for (const auto& [file, why] : refused) {
    const std::string name = file;  // a structured binding cannot be captured before C++20
    CAPTURE(name);
    const std::string message = manifest_refusal(with_file(name));
    CHECK(message.find("bundle.json: graphs.main[0].file: ") == 0);
    CHECK(message.find(std::string("(") + why + ")") != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  }
  CHECK(manifest_refusal(replaced(golden_manifest("bundle_v1_anchor_file"), "\"anchors.npy\"",
                                  "\"../anchors.npy\""))
            .find("bundle.json: postprocess.anchors.file: ") == 0);
}

TEST_CASE("the graph, the input record and the postprocessing fit each other") {
  check_faults({
      {"\"output\": \"logits\"", "\"output\": \"cls\"",
       ": postprocess.scores.output: expected an output of graphs.main[0] (\"logits\", "
       "\"deltas\"), got \"cls\""},
      {"\"output\": \"deltas\"", "\"output\": \"loc\"",
       ": postprocess.boxes.output: expected an output of graphs.main[0] (\"logits\", "
       "\"deltas\"), got \"loc\""},
      {"{\"name\": \"deltas\"", "{\"name\": \"logits\"",
       ": graphs.main[0].outputs[1].name: the name is there twice: \"logits\""},
      {"\"dog\"]", "\"dog\", \"cow\"]",
       ": graphs.main[0].outputs \"logits\": expected shape [?, 20, 4] (anchors, labels + "
       "background), got [?, 20, 3]"},
      {"\"background\": \"first\"", "\"background\": \"none\"",
       ": graphs.main[0].outputs \"logits\": expected shape [?, 20, 2] (anchors, labels), got "
       "[?, 20, 3]"},
      {"[null, 20, 3]", "[null, 20]",
       ": graphs.main[0].outputs \"logits\": expected shape [?, 20, 3] (anchors, labels + "
       "background), got [?, 20]"},
      {"[null, 20, 4]", "[null, 20, 5]",
       ": graphs.main[0].outputs \"deltas\": expected shape [?, 20, 4] (boxes as in the scores, "
       "4), got [?, 20, 5]"},
      {"[2, 2]", "[3, 2]",
       ": graphs.main[0].outputs \"logits\": expected shape [?, 28, 3] (anchors, labels + "
       "background), got [?, 20, 3]"},
      {"{\"name\": \"deltas\", \"dtype\": \"float32\"",
       "{\"name\": \"deltas\", \"dtype\": \"int64\"",
       ": graphs.main[0].outputs \"deltas\": expected dtype float32, got int64"},
      {"[null, 3, 16, 24]", "[null, 3, 24, 16]",
       ": graphs.main[0].inputs[0].shape: expected [?, 3, 16, 24] to fit the input record (a batch "
       "axis, then channels, height, width), got [?, 3, 24, 16]"},
      {"\"nchw\"", "\"nhwc\"",
       ": graphs.main[0].inputs[0].shape: expected [?, 16, 24, 3] to fit the input record (a batch "
       "axis, then height, width, channels), got [?, 3, 16, 24]"},
      {"\"pad_multiple\": 1", "\"pad_multiple\": 32",
       ": graphs.main[0].inputs[0].shape: expected [?, 3, 32, 32] to fit the input record (a batch "
       "axis, then channels, height, width), got [?, 3, 16, 24]"},
      {"{\"name\": \"images\", \"dtype\": \"float32\"",
       "{\"name\": \"images\", \"dtype\": \"uint8\"",
       ": graphs.main[0].inputs[0].dtype: expected float32 as input.dtype, got uint8"},
      {"\"encoding\": \"deltas\"", "\"encoding\": \"xyxy\"",
       ": postprocess.anchors: expected null, since postprocess.boxes.encoding is not deltas, got "
       "anchors"},
      {"\"normalized\": false", "\"normalized\": true",
       ": postprocess.boxes.normalized: expected false, since the encoding is deltas, got true"},
  });
  CHECK(manifest_refusal(with_anchors("null")) ==
        "bundle.json: postprocess.anchors: expected anchors, since postprocess.boxes.encoding is "
        "deltas, got null");
  const std::string finished =
      replaced(with_anchors("null"), "\"encoding\": \"deltas\"", "\"encoding\": \"cxcywh\"");
  CHECK(std::get<edgecv::SsdSpec>(Manifest::from_json(finished).postprocess).box_format ==
        edgecv::BoxFormat::cxcywh);
}

TEST_CASE("axes of any length fit everything") {
  std::string text = replaced(golden_manifest(), "[null, 3, 16, 24]", "[null, null, null, null]");
  text = replaced(text, "[null, 20, 3]", "[null, null, null]");
  text = replaced(text, "[null, 20, 4]", "[null, null, null]");
  CHECK(manifest_refusal(text) == "");
  const Manifest manifest = Manifest::from_json(text);
  CHECK(edgecv::network_input_size(manifest) == edgecv::Size{16, 24});
  CHECK_FALSE(edgecv::box_count(manifest, std::get<edgecv::SsdSpec>(manifest.postprocess)));
}

TEST_CASE("the network's input size comes from the record, else from the graph") {
  Manifest manifest = Manifest::from_json(golden_manifest());
  manifest.input.pad_multiple = 10;
  CHECK(edgecv::network_input_size(manifest) == edgecv::Size{20, 30});
  manifest.input.crop = edgecv::Size{8, 21};
  CHECK(edgecv::network_input_size(manifest) == edgecv::Size{10, 30});

  std::string none = replaced(golden_manifest(), "\"stretch\"", "\"none\"");
  none = replaced(none, "\"size\": [16, 24]", "\"size\": null");
  CHECK(edgecv::network_input_size(Manifest::from_json(none)) == edgecv::Size{16, 24});
  CHECK(manifest_refusal(replaced(none, "[null, 3, 16, 24]", "[null, 3, null, 24]")) ==
        "bundle.json: postprocess.anchors: these anchors need one input size for all images: give "
        "input a resize to a fixed size, or use anchors of kind file in pixels");
}

TEST_CASE("anchor parameters") {
  CHECK(manifest_refusal(default_boxes()) == "");
  const std::vector<Fault> faults = {
      {"[[2], [3]]", "[[2]]", ".aspect_ratios: expected 2 lists, one for each feature size, got 1"},
      {"[[2], [3]]", "[[2], [0]]", ".aspect_ratios[1][0]: expected a number in 1e-6..1e6, got 0"},
      {"[0.2, 0.5, 0.9]", "[0.2, 0.5]",
       ".scales: expected 3 numbers, one more than feature sizes, got 2"},
      {"[0.2, 0.5, 0.9]", "[0.2, 0.5, -0.5]",
       ".scales[2]: expected a number in 1e-6..1e6, got -0.5"},
      {"[8, 16]", "[8]", ".steps: expected 2 numbers, one for each feature size (or null), got 1"},
      {"[8, 16]", "[]", ".steps: expected a step for each level or null, got []"},
      {"[[2, 2], [1, 1]]", "[]", ".feature_sizes: expected a size for each level, got none"},
      {"[2, 2]", "[0, 2]",
       ".feature_sizes[0]: expected a height and a width of 1 to 65536, got [0, 2]"},
      {"[2, 2]", "[2, 65537]",
       ".feature_sizes[0]: expected a height and a width of 1 to 65536, got [2, 65537]"},
      {"[2, 2]", "[65536, 65536]", ": expected at most 10000000 anchors, got more"},
  };
  for (const Fault& fault : faults) {
    CHECK(manifest_refusal(default_boxes(fault.from, fault.to)) ==
          std::string("bundle.json: postprocess.anchors") + fault.message);
  }
  check_faults({
      {"[[0.4, 0.6], [0.8, 0.9]]", "[[], [0.8, 0.9]]",
       ": postprocess.anchors.scales[0]: expected at least one number, got none"},
      {"[[0.4, 0.6], [0.8, 0.9]]", "[[0.4, 0.6]]",
       ": postprocess.anchors.scales: expected 2 lists, one for each feature size, got 1"},
      {"[[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]]", "[[1.0, 2.0, 0.5], [1.0, -2.0, 0.5]]",
       ": postprocess.anchors.ratios[1][1]: expected a number in 1e-6..1e6, got -2"},
  });
}

TEST_CASE("two graphs for one role differ in precision or dialect") {
  const std::string text = golden_manifest();
  const std::size_t begin = text.find("      {\n        \"file\"");
  const std::size_t end = text.find("\n    ]\n  },\n  \"postprocess\"");
  const std::string graph = text.substr(begin, end - begin);
  CHECK(manifest_refusal(text.substr(0, end) + ",\n" + graph + text.substr(end)) ==
        "bundle.json: graphs.main[1]: a second graph for precision fp32 and dialect onnx");
  CHECK(manifest_refusal(text.substr(0, end) + "],\n\"trunk\": [" + graph + text.substr(end)) ==
        "bundle.json: graphs: expected one of main, got \"trunk\"");
  const std::string second = replaced(replaced(graph, "main.onnx", "int8.onnx"), "fp32", "int8");
  const std::string both = text.substr(0, end) + ",\n" + second + text.substr(end);
  const Manifest manifest = Manifest::from_json(both);
  CHECK(manifest.graphs.at("main").at(1).file == "int8.onnx");
  CHECK(manifest.to_json() == both);
}

TEST_CASE("text that is no JSON") {
  CHECK(manifest_refusal("") == "bundle.json: not JSON in UTF-8: see line 1, byte 1 of the line");
  CHECK(manifest_refusal("{\n  \"schema\": x\n}") ==
        "bundle.json: not JSON in UTF-8: see line 2, byte 13 of the line");
  check_faults({
      {"\"golden\"", "\"\xff\"", ": not JSON in UTF-8: see line 3, byte 12 of the line"},
      {"\"golden\"", "\"\\ud800\"", ": not JSON in UTF-8: see line 3, byte 18 of the line"},
      {"\"iou_threshold\": 0.45", "\"iou_threshold\": NaN",
       ": not JSON in UTF-8: see line 59, byte 22 of the line"},
      {"\"iou_threshold\": 0.45", "\"iou_threshold\": 1e999",
       ": a number is too large for a 64-bit float"},
      {"\"seed\": 1}\n}\n", "\"seed\": 1}\n}\n{}",
       ": not JSON in UTF-8: see line 65, byte 1 of the line"},
  });
}

TEST_CASE("text made to exhaust memory or time") {
  CHECK(manifest_refusal(std::string(2000000, '[')) ==
        "bundle.json: nested deeper than 32 levels" + std::string());
  CHECK(manifest_refusal(std::string((16 << 20) + 1, ' ')) ==
        "bundle.json: larger than 16 MB, so no manifest");
  std::string keys;
  for (int i = 0; i <= 1000; ++i) keys += "\"k" + std::to_string(i) + "\": 0, ";
  CHECK(manifest_refusal(replaced(golden_manifest(), "\"seed\"", keys + "\"seed\"")) ==
        "bundle.json: provenance.k999: more than 1000 keys in one object");
  // The parser looks at all items at the end of each object: 300,000 would take minutes.
  std::string objects = "{}";
  for (int i = 0; i < 300000; ++i) objects += ", {}";
  CHECK(manifest_refusal(
            replaced(golden_manifest(), "\"seed\"", "\"a\": [" + objects + "], \"seed\"")) ==
        "bundle.json: provenance.a[1000]: an object behind 1000 items, expected fewer in an array "
        "of objects");
  std::string labels = "\"cat\"";
  for (int i = 0; i < 100000; ++i) labels += ",\"\"";
  CHECK(manifest_refusal(replaced(golden_manifest(), "\"cat\"", labels)) ==
        "bundle.json: labels: expected 1 to 100000 names, got 100002");
}

TEST_CASE("operating thresholds: 0.5, a higher score threshold, or the manifest's own") {
  Manifest manifest = Manifest::from_json(golden_manifest());
  const std::size_t labels = manifest.labels.size();
  CHECK(edgecv::measuring_threshold(manifest) == 0.01f);
  CHECK(edgecv::operating_thresholds(manifest) == std::vector<float>(labels, 0.5f));
  std::get<edgecv::SsdSpec>(manifest.postprocess).score_threshold = 0.75f;
  CHECK(edgecv::operating_thresholds(manifest) == std::vector<float>(labels, 0.75f));
  manifest.thresholds = {0.25f};
  CHECK(edgecv::operating_thresholds(manifest) == std::vector<float>(labels, 0.25f));
  manifest.thresholds = std::vector<float>(labels, 0.3f);
  manifest.thresholds[0] = 0.9f;
  CHECK(edgecv::operating_thresholds(manifest) == manifest.thresholds);
  manifest.schema = 3;
  CHECK(Manifest::from_json(manifest.to_json()).thresholds == manifest.thresholds);
}

TEST_CASE("a record that breaks the rules is not written") {
  const Manifest golden = Manifest::from_json(golden_manifest());
  const auto refused = [&](void (*change)(Manifest&)) {
    Manifest manifest = golden;
    change(manifest);
    try {
      manifest.to_json();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused([](Manifest&) {}) == "");
  CHECK(refused([](Manifest& m) { m.schema = 4; }) ==
        "bundle.json: schema: expected 1 to 3, got 4");
  CHECK(refused([](Manifest& m) {
          std::get<edgecv::SsdSpec>(m.postprocess).coder.weight_x =
              std::numeric_limits<float>::quiet_NaN();
        }) == "bundle.json: postprocess.boxes.weights[0]: expected a number in 1e-6..1e6, got nan");
  CHECK(refused([](Manifest& m) { m.graphs["main"][0].inputs[0].shape[0] = 0; }) ==
        "bundle.json: graphs.main[0].inputs[0].shape: expected at most 8 lengths of at least 1 (or "
        "any length), got [0, 3, 16, 24]");
  CHECK(refused([](Manifest& m) { m.labels[0] = "\xff"; }) == "bundle.json: a string is not UTF-8");
  CHECK(refused([](Manifest& m) { m.provenance = "{"; }) ==
        "bundle.json: provenance: not JSON in UTF-8: see line 1, byte 2 of the line");
  CHECK(refused([](Manifest& m) { m.provenance = "[]"; }) ==
        "bundle.json: provenance: expected an object, got an array of 0");
}
