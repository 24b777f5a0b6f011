// An engine in a shared library: it multiplies by the number in its options.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edgecv/edgecv.hpp"
#include "edgecv/engine/engine_library.hpp"

#ifdef OF_ANOTHER_VERSION
#undef EDGECV_VERSION
#define EDGECV_VERSION "0.0.7"
#endif

namespace {

class Times : public edgecv::Engine {
 public:
  explicit Times(float factor) : factor_(factor) {}
  std::string name() const override { return "times"; }
  const std::vector<edgecv::TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<edgecv::TensorSpec>& outputs() const override { return outputs_; }

  edgecv::Tensor input(std::size_t, const edgecv::Shape& shape) override {
    values_.assign(static_cast<std::size_t>(edgecv::element_count(shape)), 0);
    tensor_ = edgecv::Tensor{};
    tensor_.data = values_.data();
    tensor_.shape = shape;
    return tensor_;
  }
  void bind(std::size_t, const edgecv::Tensor& tensor) override { tensor_ = tensor; }
  void run() override {
    results_.clear();
    for (std::int64_t i = 0; i < edgecv::element_count(tensor_.shape); ++i) {
      results_.push_back(factor_ * tensor_.as<float>()[i]);
    }
  }
  edgecv::Tensor output(std::size_t) override {
    edgecv::Tensor tensor;
    tensor.data = results_.data();
    tensor.shape = tensor_.shape;
    return tensor;
  }

 private:
  float factor_;
  std::vector<edgecv::TensorSpec> inputs_{{"x", edgecv::DType::float32, {-1, 4}}};
  std::vector<edgecv::TensorSpec> outputs_{{"y", edgecv::DType::float32, {-1, 4}}};
  std::vector<float> values_, results_;
  edgecv::Tensor tensor_;
};

edgecv::EngineKind times_kind() {
  edgecv::EngineKind kind;
  kind.name = "times";
  kind.offers = [](const edgecv::EngineOptions&) {
    edgecv::EngineOffer offer;
    offer.engine = "times";
    return std::vector<edgecv::EngineOffer>{offer};
  };
  kind.open = [](const edgecv::EngineSetup& setup) {
    edgecv::Engines engines;
    for (const auto& [key, value] : setup.options) {
      if (key != "factor") {
        throw edgecv::Error(edgecv::ErrorCode::invalid_input,
                            "times has no option \"" + key + "\"");
      }
      for (const auto& [role, file] : setup.files) {
        engines[role] = std::make_shared<Times>(std::stof(value));
      }
    }
    return engines;
  };
  return kind;
}

}  // namespace

EDGECV_ENGINE_LIBRARY(times_kind)
