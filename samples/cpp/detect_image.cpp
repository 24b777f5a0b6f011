// Detects objects on an image and prints them.
//
// detect_image BUNDLE IMAGE.ppm
//
// The image is a binary PPM (8 bits), so that no library is needed to read it; with OpenCV it would
// be edgecv::Image{mat.data, mat.rows, mat.cols, mat.step, edgecv::PixelFormat::bgr}.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "edgecv/engine/openvino.hpp"

namespace {

struct PpmImage {
  int height = 0, width = 0;
  std::vector<std::uint8_t> rgb;

  edgecv::Image view() const {
    return {rgb.data(), height, width, 3 * width, edgecv::PixelFormat::rgb};
  }
};

PpmImage read_ppm(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int highest = 0;
  PpmImage image;
  file >> kind >> image.width >> image.height >> highest;
  file.get();  // the one white space before the pixels
  if (!file || kind != "P6" || highest != 255 || image.width < 1 || image.height < 1) {
    throw edgecv::Error(edgecv::ErrorCode::invalid_input,
                        std::string(path) + ": expected a binary PPM (P6) of 8 bits");
  }
  image.rgb.resize(std::size_t{3} * image.width * image.height);
  file.read(reinterpret_cast<char*>(image.rgb.data()), static_cast<long>(image.rgb.size()));
  if (!file) {
    throw edgecv::Error(edgecv::ErrorCode::invalid_input, std::string(path) + ": is cut off");
  }
  return image;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: detect_image BUNDLE IMAGE.ppm\n");
    return 2;
  }
  try {
    const edgecv::Bundle bundle = edgecv::Bundle::open(arguments[1]);
    edgecv::Detector detector(bundle, std::make_shared<edgecv::OpenVinoEngine>(bundle, "main"));
    const PpmImage image = read_ppm(arguments[2]);
    const edgecv::Detections found = detector(image.view());
    for (std::size_t i = 0; i < found.scores.size(); ++i) {
      const float* box = &found.boxes[4 * i];  // x1, y1, x2, y2 in pixels of the image
      std::printf("%s %.2f at %.0f, %.0f, %.0f, %.0f\n",
                  bundle.manifest().labels[found.labels[i]].c_str(), found.scores[i], box[0],
                  box[1], box[2], box[3]);
    }
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "detect_image: %s\n", error.what());
    return 2;
  }
}
