// Runs a bundle of any task on one image through the OpenVINO engine and prints every number.
//
// run_bundle BUNDLE HEIGHT WIDTH BGR, the last a file of HEIGHT * WIDTH * 3 bytes
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "edgecv/engine/openvino.hpp"

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

void run(const edgecv::Bundle& bundle, const edgecv::Image& image) {
  edgecv::OpenVinoOptions options;
  options.threads = 1;
  const auto engine = [&](const char* role) -> std::shared_ptr<edgecv::Engine> {
    if (bundle.manifest().graphs.count(role) == 0) return nullptr;
    return std::make_shared<edgecv::OpenVinoEngine>(bundle, role, options);
  };
  switch (bundle.manifest().task) {
    case edgecv::Task::classify: {
      const auto result = edgecv::Classifier(bundle, engine("main"))(image);
      print("labels", result.labels);
      return print("probabilities", result.probabilities);
    }
    case edgecv::Task::detect: {
      edgecv::Detector model(bundle, engine("main"));
      call_together(model, image);
      return print(model(image));
    }
    case edgecv::Task::instance: {
      edgecv::TwoStageDetector model(bundle, {engine("trunk"), engine("roi"), engine("mask")});
      call_together(model, image);
      for (int repeat = 0; repeat < 2; ++repeat) {  // buffers are used again, and for other counts
        const edgecv::Instances found = model.run({image}).front();
        print(found.detections);
        std::vector<std::size_t> areas;
        for (const edgecv::MaskCrop& mask : found.masks) {
          areas.push_back(0);
          for (const auto pixel : mask.pixels) areas.back() += pixel;
        }
        print("areas", areas);
        model.run({edgecv::crop(image, 0, 0, {image.height / 2, image.width / 2})});
      }
      return;
    }
    case edgecv::Task::segment: {
      const auto result = edgecv::SemanticSegmenter(bundle, engine("main"))(image);
      return print("mask", result.mask);
    }
    case edgecv::Task::stylize: {
      edgecv::Stylizer model(bundle, {engine("main"), engine("statistics"), engine("tile")});
      model.set_tiling(edgecv::Tiling::always);
      const auto painted = std::move(model.run({image}).front());
      const auto* bgr = painted.bgr.get();
      return print("bgr", std::vector<int>(bgr, bgr + 3 * image.height * image.width));
    }
  }
}

}  // namespace

int main(int, char** arguments) {
  std::ifstream file(arguments[4], std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  edgecv::Image image;
  image.data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  image.height = std::atoi(arguments[2]);
  image.width = std::atoi(arguments[3]);
  image.stride = std::ptrdiff_t{3} * image.width;
  try {
    run(edgecv::Bundle::open(arguments[1]), image);
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
