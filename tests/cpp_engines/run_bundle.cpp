// Loads a bundle of any task with an engine, runs it on one image and prints every number.
//
// run_bundle ENGINE BUNDLE HEIGHT WIDTH BGR PRECISION THRESHOLD [DEVICE]; BGR is a file of HEIGHT *
// WIDTH * 3 bytes
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "edgecv/edgecv.hpp"

namespace {

template <typename Values>
void print(const char* name, const Values& values) {
  std::printf("%s", name);
  for (const auto value : values) std::printf(" %.9g", static_cast<double>(value));
  std::printf("\n");
}

void print(const edgecv::Detections& found) {
  print("boxes", found.boxes);
  print("scores", found.scores);
  print("labels", found.labels);
}

struct Run {
  const edgecv::Image& image;
  float threshold;

  std::vector<float> thresholds(const edgecv::ModelInfo& model) const {
    return std::vector<float>(model.labels().size(), threshold);
  }

  void operator()(edgecv::Classifier& model) const {
    const auto result = model(image);
    print("labels", result.labels);
    print("probabilities", result.probabilities);
  }

  void operator()(edgecv::Detector& model) const {
    model.set_thresholds(thresholds(model));
    print(model(image));
  }

  /// Twice, with another image between: buffers are used again, and in other shapes.
  void operator()(edgecv::TwoStageDetector& model) const {
    model.set_thresholds(thresholds(model));
    for (int repeat = 0; repeat < 2; ++repeat) {
      const edgecv::Instances found = model(image);
      print(found.detections);
      std::printf("masks");
      for (const edgecv::MaskCrop& mask : found.masks) {
        const auto runs = edgecv::run_lengths(mask, image.size());
        std::printf(" %s", edgecv::compress_run_lengths(runs).c_str());
      }
      std::printf("\n");
      model(edgecv::crop(image, 0, 0, {image.height / 2, image.width / 2}));
    }
  }

  void operator()(edgecv::SemanticSegmenter& model) const { print("mask", model(image).mask); }

  void operator()(edgecv::Stylizer& model) const {
    model.set_tiling(edgecv::Tiling::always);
    const edgecv::StylizedImage painted = model(image);
    const auto* bgr = painted.bgr.get();
    print("bgr", std::vector<int>(bgr, bgr + 3 * image.height * image.width));
  }
};

}  // namespace

int main(int count, char** arguments) {
  std::ifstream file(arguments[5], std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  edgecv::Image image;
  image.data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  image.height = std::atoi(arguments[3]);
  image.width = std::atoi(arguments[4]);
  image.stride = std::ptrdiff_t{3} * image.width;
  edgecv::Options options;
  options.engine = arguments[1];
  options.precision = arguments[6];
  options.threads = 1;
  if (count > 8) options.device = arguments[8];
  try {
    edgecv::AnyModel model = edgecv::load(arguments[2], options);
    std::visit(Run{image, std::strtof(arguments[7], nullptr)}, model);
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
