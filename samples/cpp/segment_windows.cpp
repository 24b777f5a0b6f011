// Segments a large image by sliding windows, whose logits are averaged where they overlap, and
// writes the class of each pixel.
//
// segment_windows BUNDLE IMAGE.ppm OUT.pgm HEIGHT WIDTH
//
// HEIGHT and WIDTH are those of a window; a network exported for one size takes only that.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <edgecv/edgecv.hpp>

#include "ppm.hpp"

int main(int count, char** arguments) {
  if (count != 6) {
    std::fprintf(stderr, "usage: segment_windows BUNDLE IMAGE.ppm OUT.pgm HEIGHT WIDTH\n");
    return 2;
  }
  try {
    auto segmenter = edgecv::load<edgecv::SemanticSegmenter>(arguments[1]);
    edgecv::CropWindows windows;
    windows.size = {std::atoi(arguments[4]), std::atoi(arguments[5])};
    windows.overlap = 0.25;
    windows.weight = edgecv::WindowWeight::gaussian;
    segmenter.set_windows(windows);

    const Ppm image = read_ppm(arguments[2]);
    const edgecv::Segmentation result = segmenter(image.view());
    if (result.mask.empty()) {  // more than 256 classes: wide_mask has them
      std::fprintf(stderr, "segment_windows: a PGM has room for 256 classes\n");
      return 2;
    }
    std::vector<std::size_t> pixels(segmenter.labels().size());
    for (const auto label : result.mask) ++pixels[label];
    for (std::size_t label = 0; label < pixels.size(); ++label) {
      std::printf("%s %.1f %%\n", segmenter.label(static_cast<std::int64_t>(label)),
                  100.0 * pixels[label] / result.mask.size());
    }
    write_image(arguments[3], "P5", image.height, image.width, result.mask);
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "segment_windows: %s\n", error.what());
    return 2;
  }
}
