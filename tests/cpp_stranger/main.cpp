// Prints what the library that was linked says: versions, a result, an error thrown inside it and
// one that came through another library.
#include <cstdio>
#include <edgecv/edgecv.hpp>
#include <string>

std::size_t kept_boxes(const float* boxes, const float* scores, std::size_t count);
void open_bundle(const std::string& path);

int main() {
  std::printf("%s %s %d.%d.%d\n", EDGECV_VERSION, edgecv_version(), EDGECV_VERSION_MAJOR,
              EDGECV_VERSION_MINOR, EDGECV_VERSION_PATCH);
  const float boxes[] = {0, 0, 10, 10, 1, 1, 11, 11, 20, 20, 30, 30};
  const float scores[] = {0.9f, 0.8f, 0.7f};
  std::printf("%zu %zu\n", edgecv::nms(boxes, scores, 3, 0.5).size(), kept_boxes(boxes, scores, 3));
  for (void (*open)(const std::string&) :
       {+[](const std::string& path) { edgecv::Bundle::open(path); }, &open_bundle}) {
    try {
      open("nowhere");
    } catch (const edgecv::Error& error) {
      std::printf("%d %s\n", static_cast<int>(error.code()), error.what());
    }
  }
}
