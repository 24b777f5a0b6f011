// From the start of main() to the first result: first_result BUNDLE THREADS [CACHE]
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "resident.hpp"

int main(int count, char** arguments) {
  const auto start = std::chrono::steady_clock::now();
  const edgecv::Bundle bundle = edgecv::Bundle::open(arguments[1]);
  edgecv::OnnxRuntimeOptions options;
  options.threads = std::atoi(arguments[2]);
  if (count > 3) options.cache_dir = arguments[3];
  const auto engine = std::make_shared<edgecv::OnnxRuntimeEngine>(bundle, "main", options);
  const std::vector<std::uint8_t> pixels(480 * 640 * 3, 90);
  const edgecv::Image image{pixels.data(), 480, 640, 640 * 3, edgecv::PixelFormat::bgr};
  edgecv::Detector detector(bundle, engine, options.threads);
  detector.run({image});
  print_cost(start);
}
