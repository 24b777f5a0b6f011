// postprocess.method "classify" in bundle.json: read, written and checked.
#include "bundle/manifest_methods.hpp"
#include "bundle/manifest_rules.hpp"
#include "bundle/value_rules.hpp"

namespace edgecv {

ClassifySpec read_classify(const JsonNode& node) {
  const JsonObject object = node.object({"method", "scores", "topk"});
  const JsonObject scores = object["scores"].object({"output", "function"});
  ClassifySpec spec;
  spec.scores_output = scores["output"].string();
  spec.score_function = scores["function"].name<ScoreFunction>();
  spec.topk = object["topk"].integer();
  return spec;
}

Json write(const ClassifySpec& spec) {
  Json scores;
  scores["output"] = spec.scores_output;
  scores["function"] = name_of(spec.score_function);
  Json object;
  object["method"] = "classify";
  object["scores"] = scores;
  object["topk"] = spec.topk;
  return object;
}

void check(const Manifest& manifest, const ClassifySpec& spec) {
  check_method(manifest, "classify", Task::classify, 2);
  require_at_least_one(spec.topk, "postprocess.topk");
  check_main_graphs(manifest, [&](const GraphFile& graph, const std::string& path) {
    const TensorSpec& scores =
        find_output(graph, path, spec.scores_output, "postprocess.scores.output");
    const std::int64_t columns = score_columns(manifest, spec.score_function, scores);
    check_float_tensor(scores, {-1, columns}, "images, labels", path + ".outputs");
  });
}

}  // namespace edgecv
