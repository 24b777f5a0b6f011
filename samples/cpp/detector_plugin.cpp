// A plug-in for an application that knows nothing of edgecv: a shared library with four
// functions in C. edgecv's own names stay hidden in it, and no exception leaves it.
//
//   void* detector = detector_open("people");        // null: detector_error() says why
//   int found = detector_count(detector, bgr, height, width, "person");  // -1: detector_error()
//   detector_close(detector);
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include <edgecv/edgecv.hpp>

#ifdef _WIN32
#define SHOWN extern "C" __declspec(dllexport)
#else
#define SHOWN extern "C" __attribute__((visibility("default")))
#endif

namespace {

thread_local std::string last_error;

/// What `body` gives; `failed` where it throws.
template <typename Result, typename Body>
Result guarded(Result failed, Body body) {
  try {
    last_error.clear();
    return body();
  } catch (const std::exception& error) {  // edgecv::Error, or out of memory
    last_error = error.what();
    return failed;
  }
}

}  // namespace

/// Why the last call on this thread failed; empty if it did not.
SHOWN const char* detector_error() { return last_error.c_str(); }

SHOWN void* detector_open(const char* bundle) {
  return guarded<void*>(nullptr, [&] {
    auto detector = edgecv::load<edgecv::Detector>(bundle);
    return std::make_unique<edgecv::Detector>(std::move(detector)).release();
  });
}

/// How many objects of a class are on an image, `bgr` [height, width, 3]. Any number of threads may
/// call it with one detector.
SHOWN int detector_count(void* handle, const std::uint8_t* bgr, int height, int width,
                         const char* label) {
  return guarded(-1, [&] {
    auto& detector = *static_cast<edgecv::Detector*>(handle);
    const edgecv::Image image{bgr, height, width, std::ptrdiff_t{3} * width,
                              edgecv::PixelFormat::bgr};
    int count = 0;
    for (const edgecv::Detection& object : detector(image)) {
      count += std::string(detector.label(object.label)) == label;
    }
    return count;
  });
}

SHOWN void detector_close(void* handle) { delete static_cast<edgecv::Detector*>(handle); }
