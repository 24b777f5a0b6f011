// Finds objects with their masks, prints them, and writes the image with each mask tinted.
//
// instance_masks BUNDLE IMAGE.ppm OUT.ppm
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <vector>

#include <edgecv/edgecv.hpp>

#include "ppm.hpp"

namespace {

/// Half image, half colour, where the mask is.
void tint(Ppm& image, const edgecv::MaskCrop& mask, std::size_t object) {
  static const std::uint8_t kColours[4][3] = {
      {255, 64, 64}, {64, 200, 64}, {64, 96, 255}, {240, 200, 40}};
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (!mask.pixels[static_cast<std::size_t>(y) * mask.width + x]) continue;
      const std::size_t at = 3 * (std::size_t(mask.y + y) * image.width + mask.x + x);
      for (int c = 0; c < 3; ++c) {
        image.rgb[at + c] =
            static_cast<std::uint8_t>((image.rgb[at + c] + kColours[object % 4][c]) / 2);
      }
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: instance_masks BUNDLE IMAGE.ppm OUT.ppm\n");
    return 2;
  }
  try {
    auto detector = edgecv::load<edgecv::TwoStageDetector>(arguments[1]);
    Ppm image = read_ppm(arguments[2]);
    const edgecv::Instances found = detector(image.view());
    for (std::size_t i = 0; i < found.masks.size(); ++i) {
      const edgecv::Detection object = found.detections[i];
      const edgecv::MaskCrop& mask = found.masks[i];
      const long pixels = std::accumulate(mask.pixels.begin(), mask.pixels.end(), 0L);
      // COCO's string, as pycocotools reads it.
      const std::string runs =
          edgecv::compress_run_lengths(edgecv::run_lengths(mask, image.view().size()));
      std::printf("%s %.2f covers %ld pixels: %s\n", detector.label(object.label), object.score,
                  pixels, runs.c_str());
      tint(image, mask, i);
    }
    write_image(arguments[3], "P6", image.height, image.width, image.rgb);
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "instance_masks: %s\n", error.what());
    return 2;
  }
}
