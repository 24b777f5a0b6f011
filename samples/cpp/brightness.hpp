// An engine of one's own. This one runs no network: it says how bright each image is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <edgecv/edgecv.hpp>

class Brightness : public edgecv::Engine {
 public:
  std::string name() const override { return "brightness"; }
  const std::vector<edgecv::TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<edgecv::TensorSpec>& outputs() const override { return outputs_; }

  edgecv::Tensor input(std::size_t, const edgecv::Shape& shape) override {
    check(shape, edgecv::DType::float32);
    own_.resize(static_cast<std::size_t>(edgecv::element_count(shape)));
    given_ = edgecv::Tensor();
    given_.data = own_.data();
    given_.shape = shape;
    return given_;
  }

  void bind(std::size_t, const edgecv::Tensor& tensor) override {
    check(tensor.shape, tensor.dtype);
    given_ = tensor;
  }

  void run() override {
    const auto images = static_cast<std::size_t>(given_.shape[0]);
    const std::size_t size = images ? edgecv::element_count(given_.shape) / images : 0;
    scores_.resize(images);
    for (std::size_t i = 0; i < images; ++i) {
      const float* first = given_.as<float>() + i * size;
      scores_[i] = std::accumulate(first, first + size, 0.f) / static_cast<float>(size);
    }
  }

  edgecv::Tensor output(std::size_t) override {
    edgecv::Tensor tensor;
    tensor.data = scores_.data();
    tensor.shape = {given_.shape[0], 1};
    return tensor;
  }

 private:
  static void check(const edgecv::Shape& shape, edgecv::DType dtype) {
    const bool fits = shape.size() == 4 && shape[1] == 3 && shape[2] == 8 && shape[3] == 8;
    if (!fits || dtype != edgecv::DType::float32) {
      throw edgecv::Error(
          edgecv::ErrorCode::engine,
          "brightness: expected float32 [?, 3, 8, 8], got " + edgecv::to_string(shape));
    }
  }

  std::vector<edgecv::TensorSpec> inputs_{{"images", edgecv::DType::float32, {-1, 3, 8, 8}}};
  std::vector<edgecv::TensorSpec> outputs_{{"scores", edgecv::DType::float32, {-1, 1}}};
  std::vector<float> own_, scores_;
  edgecv::Tensor given_;
};
