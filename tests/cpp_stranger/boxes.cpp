#include <edgecv/boxes/nms.hpp>
#include <edgecv/bundle/bundle.hpp>
#include <string>

std::size_t kept_boxes(const float* boxes, const float* scores, std::size_t count) {
  return edgecv::nms(boxes, scores, count, 0.5).size();
}

void open_bundle(const std::string& path) { edgecv::Bundle::open(path); }
