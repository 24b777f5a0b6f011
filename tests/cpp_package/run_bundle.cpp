// Loads a bundle of any task with an engine, runs it on one image and prints every number.
//
// run_bundle ENGINE BUNDLE HEIGHT WIDTH BGR [PRECISION [THRESHOLD [DEVICE]]]
//
// BGR is a file of HEIGHT * WIDTH * 3 bytes. The files of "memory:BUNDLE" are read here and handed
// over as bytes.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
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

/// Calls from several threads, on contexts of one compiled network, give what one call gives.
template <typename Model>
void call_together(Model& model, const edgecv::Image& image) {
  const auto expected = model.run({image}).front();
  std::vector<int> wrong(3);
  std::vector<std::thread> threads;
  for (int& mine : wrong) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k) {
        const auto found = model.run({image}).front();
        if constexpr (std::is_same_v<Model, edgecv::Detector>) {
          mine += found.boxes != expected.boxes;
        } else {
          mine += found.detections.boxes != expected.detections.boxes;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) {
    if (count > 0) std::printf("wrong %d\n", count);
  }
}

struct Run {
  const edgecv::Image& image;
  float threshold;  // negative: the bundle's own

  template <typename Model>
  void set_thresholds(Model& model) const {
    if (threshold < 0) return;
    model.set_thresholds(std::vector<float>(model.labels().size(), threshold));
  }

  void operator()(edgecv::Classifier& model) const {
    const auto result = model(image);
    print("labels", result.labels);
    print("probabilities", result.probabilities);
  }

  void operator()(edgecv::Detector& model) const {
    set_thresholds(model);
    call_together(model, image);
    print(model(image));
  }

  /// Twice, with another image between: buffers are used again, and in other shapes.
  void operator()(edgecv::TwoStageDetector& model) const {
    set_thresholds(model);
    call_together(model, image);
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
    const edgecv::StylizedImage result = model(image);
    const auto* bgr = result.bgr.get();
    print("bgr", std::vector<int>(bgr, bgr + 3 * image.height * image.width));
  }
};

std::shared_ptr<std::vector<char>> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::make_shared<std::vector<char>>(std::istreambuf_iterator<char>(file),
                                             std::istreambuf_iterator<char>());
}

edgecv::BundleSource source_of(const std::string& name) {
  const std::string mark = "memory:";
  if (name.compare(0, mark.size(), mark) != 0) return name;
  edgecv::MemoryFiles files;
  for (const auto& entry : std::filesystem::directory_iterator(name.substr(mark.size()))) {
    const auto content = read(entry.path());
    files[entry.path().filename().string()] = {content->data(), content->size(), content};
  }
  return files;
}

}  // namespace

int main(int count, char** arguments) {
  const auto bytes = read(arguments[5]);
  edgecv::Image image;
  image.data = reinterpret_cast<const std::uint8_t*>(bytes->data());
  image.height = std::atoi(arguments[3]);
  image.width = std::atoi(arguments[4]);
  image.stride = std::ptrdiff_t{3} * image.width;
  edgecv::Options options;
  options.engine = arguments[1];
  options.threads = 1;
  if (count > 6) options.precision = arguments[6];
  const float threshold = count > 7 ? std::strtof(arguments[7], nullptr) : -1.f;
  if (count > 8) options.device = arguments[8];
  try {
    edgecv::AnyModel model = edgecv::load(source_of(arguments[2]), options);
    std::visit(Run{image, threshold}, model);
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
