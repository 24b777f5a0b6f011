// Detects objects on an image and prints them.
//
// detect_image BUNDLE IMAGE.ppm [ENGINE]
#include <cstdio>

#include <edgecv/edgecv.hpp>

#include "ppm.hpp"

int main(int count, char** arguments) {
  if (count < 3 || count > 4) {
    std::fprintf(stderr, "usage: detect_image BUNDLE IMAGE.ppm [ENGINE]\n");
    return 2;
  }
  try {
    edgecv::Options options;
    if (count == 4) options.engine = arguments[3];
    auto detector = edgecv::load<edgecv::Detector>(arguments[1], options);
    const Ppm image = read_ppm(arguments[2]);
    for (const edgecv::Detection& object : detector(image.view())) {
      std::printf("%s %.2f at %.0f, %.0f, %.0f, %.0f\n", detector.label(object.label), object.score,
                  object.box[0], object.box[1], object.box[2], object.box[3]);
    }
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "detect_image: %s\n", error.what());
    return 2;
  }
}
