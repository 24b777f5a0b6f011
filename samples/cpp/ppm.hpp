// Images as binary PPM and PGM files (8 bits), so that the samples need no library for them. With
// OpenCV an image is edgecv::Image{mat.data, mat.rows, mat.cols, mat.step, PixelFormat::bgr}.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <edgecv/edgecv.hpp>

struct Ppm {
  int height = 0, width = 0;
  std::vector<std::uint8_t> rgb;

  edgecv::Image view() const {
    return {rgb.data(), height, width, 3 * width, edgecv::PixelFormat::rgb};
  }
};

inline Ppm read_ppm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int highest = 0;
  Ppm image;
  file >> kind >> image.width >> image.height >> highest;
  file.get();  // the one white space before the pixels
  if (!file || kind != "P6" || highest != 255 || image.width < 1 || image.height < 1 ||
      image.width > edgecv::max_side || image.height > edgecv::max_side) {
    throw edgecv::Error(edgecv::ErrorCode::invalid_input,
                        path + ": expected a binary PPM (P6) of 8 bits");
  }
  image.rgb.resize(std::size_t{3} * image.width * image.height);
  file.read(reinterpret_cast<char*>(image.rgb.data()),
            static_cast<std::streamsize>(image.rgb.size()));
  if (!file) throw edgecv::Error(edgecv::ErrorCode::invalid_input, path + ": is cut off");
  return image;
}

/// A PPM for "P6", a PGM with one byte for each pixel for "P5".
inline void write_image(const std::string& path, const char* kind, int height, int width,
                        const std::vector<std::uint8_t>& pixels) {
  std::ofstream file(path, std::ios::binary);
  file << kind << '\n' << width << ' ' << height << "\n255\n";
  file.write(reinterpret_cast<const char*>(pixels.data()),
             static_cast<std::streamsize>(pixels.size()));
  file.close();
  if (!file) throw edgecv::Error(edgecv::ErrorCode::invalid_input, path + ": cannot be written");
}
