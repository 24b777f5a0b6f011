// Loads a bundle of any task with OpenVINO, runs it on one image and prints every number.
//
// run_bundle BUNDLE HEIGHT WIDTH BGR [memory]
//
// BGR is a file of HEIGHT * WIDTH * 3 bytes. With `memory` the files of the bundle's folder are
// read here and handed over as bytes.
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

  void operator()(edgecv::Classifier& model) const {
    const auto result = model(image);
    print("labels", result.labels);
    print("probabilities", result.probabilities);
  }

  void operator()(edgecv::Detector& model) const {
    call_together(model, image);
    print(model(image));
  }

  void operator()(edgecv::TwoStageDetector& model) const {
    call_together(model, image);
    for (int repeat = 0; repeat < 2; ++repeat) {  // buffers are used again, and for other counts
      const edgecv::Instances found = model(image);
      print(found.detections);
      std::vector<std::size_t> areas;
      for (const edgecv::MaskCrop& mask : found.masks) {
        areas.push_back(0);
        for (const auto pixel : mask.pixels) areas.back() += pixel;
      }
      print("areas", areas);
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

std::shared_ptr<std::vector<char>> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::make_shared<std::vector<char>>(std::istreambuf_iterator<char>(file),
                                             std::istreambuf_iterator<char>());
}

edgecv::BundleSource source_of(const std::string& path, bool in_memory) {
  if (!in_memory) return path;
  edgecv::MemoryFiles files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const auto content = read(entry.path());
    files[entry.path().filename().string()] = {content->data(), content->size(), content};
  }
  return files;
}

}  // namespace

int main(int count, char** arguments) {
  const auto bytes = read(arguments[4]);
  edgecv::Image image;
  image.data = reinterpret_cast<const std::uint8_t*>(bytes->data());
  image.height = std::atoi(arguments[2]);
  image.width = std::atoi(arguments[3]);
  image.stride = std::ptrdiff_t{3} * image.width;
  edgecv::Options options;
  options.threads = 1;
  try {
    edgecv::AnyModel model = edgecv::load(source_of(arguments[1], count > 5), options);
    std::visit(Run{image}, model);
    const auto engine = [](const edgecv::ModelInfo& info) { return info.choice().engine; };
    if (std::visit(engine, model) != "openvino") return 3;
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
