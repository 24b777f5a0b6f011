// ONNX Runtime of a version before the first that edgecv takes.
#include <onnxruntime_c_api.h>

#include <cstdint>

extern "C" const OrtApiBase* ORT_API_CALL OrtGetApiBase() NO_EXCEPTION {
  static const OrtApiBase base = {[](std::uint32_t)
                                      NO_EXCEPTION -> const OrtApi* { return nullptr; },
                                  []() NO_EXCEPTION -> const char* { return "1.17.3"; }};
  return &base;
}
