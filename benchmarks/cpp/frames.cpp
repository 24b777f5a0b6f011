// A 1080p frame through a model, again and again: frames BUNDLE DEVICE THREADS ROUNDS [host]
//
// Prints the milliseconds of each call. With "host", feature maps go through host memory in place
// of staying where the engine leaves them.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edgecv/edgecv.hpp"

namespace {

/// An engine whose outputs are always read on the host.
class ThroughHost : public edgecv::Engine {
 public:
  explicit ThroughHost(std::shared_ptr<edgecv::Engine> engine) : engine_(std::move(engine)) {}
  const std::vector<edgecv::TensorSpec>& inputs() const override { return engine_->inputs(); }
  const std::vector<edgecv::TensorSpec>& outputs() const override { return engine_->outputs(); }
  edgecv::Tensor input(std::size_t index, const edgecv::Shape& shape) override {
    return engine_->input(index, shape);
  }
  void bind(std::size_t index, const edgecv::Tensor& tensor) override {
    engine_->bind(index, tensor);
  }
  void run() override { engine_->run(); }
  edgecv::Tensor output(std::size_t index) override { return engine_->output(index); }

 private:
  std::shared_ptr<edgecv::Engine> engine_;
};

/// That of benchmarks: a gradient and a texture that does not repeat soon.
std::vector<std::uint8_t> frame() {
  std::vector<std::uint8_t> pixels(std::size_t{1080} * 1920 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>((i / 97) * 31 % 253 / 2 + i % 128);
  }
  return pixels;
}

template <typename Model>
void time(Model model, const edgecv::Image& image, int rounds) {
  for (int i = 0; i < 5 + rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    model.run({image});
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    if (i >= 5) std::printf("%.4f\n", ms.count());
  }
}

}  // namespace

int main(int count, char** arguments) {
  const edgecv::Bundle bundle = edgecv::Bundle::open(arguments[1]);
  const edgecv::Manifest& manifest = bundle.manifest();
  edgecv::OnnxRuntimeOptions options;
  options.device = arguments[2];
  options.threads = std::atoi(arguments[3]);
  const int rounds = std::atoi(arguments[4]);
  const bool through_host = count > 5;
  const auto engine = [&](const char* role) -> std::shared_ptr<edgecv::Engine> {
    if (manifest.graphs.count(role) == 0) return nullptr;
    auto made = std::make_shared<edgecv::OnnxRuntimeEngine>(bundle, role, options);
    if (through_host) return std::make_shared<ThroughHost>(made);
    return made;
  };
  const std::vector<std::uint8_t> pixels = frame();
  const edgecv::Image image{pixels.data(), 1080, 1920, 1920 * 3, edgecv::PixelFormat::bgr};
  const int threads = options.threads;
  try {
    if (manifest.graphs.count("trunk") > 0) {
      time(edgecv::TwoStageDetector(bundle, {engine("trunk"), engine("roi"), engine("mask")},
                                    threads),
           image, rounds);
    } else if (manifest.task == edgecv::Task::detect) {
      time(edgecv::Detector(bundle, engine("main"), threads), image, rounds);
    } else if (manifest.task == edgecv::Task::classify) {
      time(edgecv::Classifier(bundle, engine("main"), threads), image, rounds);
    } else if (manifest.task == edgecv::Task::segment) {
      time(edgecv::SemanticSegmenter(bundle, engine("main"), threads), image, rounds);
    } else {
      time(
          edgecv::Stylizer(bundle, {engine("main"), engine("statistics"), engine("tile")}, threads),
          image, rounds);
    }
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
