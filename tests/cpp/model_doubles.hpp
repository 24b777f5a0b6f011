// A model of each task over engines that compute from all that they are given, and what tells their
// results apart.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "detection/two_stage_doubles.hpp"
#include "edgecv/edgecv.hpp"

namespace edgecv::testing {

using Shapes = std::function<std::vector<Shape>(const std::vector<Shape>&)>;

/// What all engines of a model have seen.
struct Log {
  std::atomic<int> running{0}, most{0};  // runs at the same time
  std::atomic<int> trespasses{0};        // a second thread came while one was inside an engine
  std::atomic<int> contexts{0};
  std::atomic<int> runs{0};
  std::atomic<int> fail_every{0};  // runs throw, in turn with runs that give NaN; 0: none
};

/// A network whose outputs are numbers made from all of its inputs, so that what another call wrote
/// into them, or read from its outputs, shows in the results.
class Mixer : public Engine {
 public:
  Mixer(const GraphFile& graph, Shapes shapes, bool contexts, std::shared_ptr<Log> log)
      : graph_(graph),
        shapes_(std::move(shapes)),
        contexts_(contexts),
        log_(std::move(log)),
        given_(graph.inputs.size()),
        buffers_(graph.inputs.size()),
        results_(graph.outputs.size()) {}

  const std::vector<TensorSpec>& inputs() const override { return graph_.inputs; }
  const std::vector<TensorSpec>& outputs() const override { return graph_.outputs; }

  Tensor input(std::size_t index, const Shape& shape) override {
    const Inside inside(*this);
    const DType dtype = graph_.inputs[index].dtype;
    buffers_[index].resize(static_cast<std::size_t>(element_count(shape)) * element_size(dtype));
    Tensor tensor;
    tensor.data = buffers_[index].data();
    tensor.shape = shape;
    tensor.dtype = dtype;
    return given_[index] = tensor;
  }

  void bind(std::size_t index, const Tensor& tensor) override {
    const Inside inside(*this);
    given_[index] = tensor;
  }

  void run() override {
    const Inside inside(*this);
    const int now = ++log_->running;
    for (int most = log_->most; most < now && !log_->most.compare_exchange_weak(most, now);) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    --log_->running;
    const int run = ++log_->runs, every = log_->fail_every;
    if (every > 0 && run % (2 * every) == 0) throw Error(ErrorCode::engine, "it failed");
    std::uint32_t seed = 1;
    std::vector<Shape> shapes;
    for (const Tensor& tensor : given_) {
      const auto* bytes = tensor.as<unsigned char>();
      const auto count = static_cast<std::size_t>(element_count(tensor.shape));
      for (std::size_t i = 0; i < count * element_size(tensor.dtype); ++i) {
        seed = (seed ^ bytes[i]) * 16777619u;
      }
      shapes.push_back(tensor.shape);
    }
    const std::vector<Shape> found = shapes_(shapes);
    for (std::size_t k = 0; k < found.size(); ++k) {
      results_[k].resize(static_cast<std::size_t>(element_count(found[k])));
      for (float& value : results_[k]) {
        seed = seed * 1664525u + 1013904223u;
        value = static_cast<float>(seed >> 16) / 16384.f - 2;
      }
      if (every > 0 && run % every == 0) {
        std::fill(results_[k].begin(), results_[k].end(), std::numeric_limits<float>::quiet_NaN());
      }
    }
    found_ = found;
  }

  Tensor output(std::size_t index) override {
    const Inside inside(*this);
    Tensor tensor;
    tensor.data = results_[index].data();
    tensor.shape = found_[index];
    return tensor;
  }

  std::shared_ptr<Engine> new_context() override {
    if (!contexts_) return nullptr;
    ++log_->contexts;
    return std::make_shared<Mixer>(graph_, shapes_, true, log_);
  }

 private:
  struct Inside {
    const AllocationPause pause{};  // an engine's own memory is not the pipeline's
    explicit Inside(Mixer& mixer) : count(mixer.inside_) {
      if (++count != 1) ++mixer.log_->trespasses;
    }
    ~Inside() { --count; }
    std::atomic<int>& count;
  };

  GraphFile graph_;
  Shapes shapes_;
  bool contexts_;
  std::shared_ptr<Log> log_;
  std::vector<Tensor> given_;
  std::vector<std::vector<unsigned char>> buffers_;
  std::vector<std::vector<float>> results_;
  std::vector<Shape> found_;
  std::atomic<int> inside_{0};
};

/// The bits of a result.
using Bits = std::string;

template <typename T>
void add(Bits& bits, const std::vector<T>& values) {
  bits.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  bits += '|';
}

inline Bits bits_of(const Detections& found) {
  Bits bits;
  add(bits, found.boxes);
  add(bits, found.scores);
  add(bits, found.labels);
  return bits;
}

inline Bits bits_of(const Instances& found) {
  Bits bits = bits_of(found.detections);
  for (const MaskCrop& mask : found.masks) add(bits, mask.pixels);
  return bits;
}

inline Bits bits_of(const Classification& found) {
  Bits bits;
  add(bits, found.labels);
  add(bits, found.probabilities);
  return bits;
}

inline Bits bits_of(const Segmentation& found) {
  Bits bits;
  add(bits, found.mask);
  add(bits, found.probabilities);
  return bits;
}

inline Bits bits_of(const StylizedImage& found) {
  return Bits(reinterpret_cast<const char*>(found.bgr.get()),
              static_cast<std::size_t>(3) * found.size.height * found.size.width);
}

/// Images of several sizes that differ in every pixel.
struct Images {
  Images() {
    for (int i = 0; i < 6; ++i) {
      const int height = 20 + 9 * i, width = 30 + 7 * i;
      pixels.emplace_back(static_cast<std::size_t>(3 * height * width));
      std::uint32_t seed = static_cast<std::uint32_t>(i) + 1;
      for (std::uint8_t& value : pixels.back()) {
        value = static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
      }
      images.push_back({pixels.back().data(), height, width, std::ptrdiff_t{3} * width});
    }
  }
  std::vector<std::vector<std::uint8_t>> pixels;
  std::vector<Image> images;
};

inline Shapes fixed_rows(std::vector<Shape> rest) {
  return [rest](const std::vector<Shape>& inputs) {
    std::vector<Shape> shapes = rest;
    for (Shape& shape : shapes) shape.insert(shape.begin(), inputs[0][0]);
    return shapes;
  };
}

template <typename Threads = int>
Detector make_detector(bool contexts, const std::shared_ptr<Log>& log, const Threads& threads = 1) {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v1");
  const GraphFile& graph = bundle.manifest().graphs.at("main")[0];
  return Detector(bundle,
                  std::make_shared<Mixer>(graph, fixed_rows({{20, 3}, {20, 4}}), contexts, log),
                  threads);
}

inline std::vector<Shape> backbone_shapes(const std::vector<Shape>&) {
  return {{1, 1, 4, 4}, {1, 1, 2, 2}, {1, 1, 4, 4}, {1, 1, 2, 2}, {1, 4, 4, 4}, {1, 4, 2, 2}};
}

/// Boxes come by level, in the last inputs but for the labels.
inline std::vector<Shape> roi_shapes(const std::vector<Shape>& inputs) {
  const std::int64_t rows = inputs[2][0] + inputs[3][0];
  return {{rows, 3}, {rows, 12}};
}

inline std::vector<Shape> mask_shapes(const std::vector<Shape>& inputs) {
  return {{inputs[2][0] + inputs[3][0], 1, 8, 8}};
}

template <typename Threads = int>
TwoStageDetector make_two_stage(bool contexts, const std::shared_ptr<Log>& log,
                                const Threads& threads = 1) {
  TwoStageForm form;
  form.levels = 2;
  Manifest manifest = two_stage_manifest(form);
  auto& spec = std::get<RcnnSpec>(manifest.postprocess);
  spec.rpn->pre_nms_top_n = spec.rpn->post_nms_top_n = 8;
  const Bundle bundle = open_as_bundle(manifest);
  const auto engine = [&](const char* role, const Shapes& shapes) {
    return std::make_shared<Mixer>(manifest.graphs[role][0], shapes, contexts, log);
  };
  return TwoStageDetector(
      bundle,
      {engine("trunk", backbone_shapes), engine("roi", roi_shapes), engine("mask", mask_shapes)},
      threads);
}

template <typename Threads = int>
SemanticSegmenter make_segmenter(bool contexts, const std::shared_ptr<Log>& log,
                                 const Threads& threads = 1) {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_segment");
  const Shapes shapes = [](const std::vector<Shape>& inputs) {
    return std::vector<Shape>{{inputs[0][0], 4, inputs[0][2] / 4, inputs[0][3] / 4}};
  };
  const GraphFile& graph = bundle.manifest().graphs.at("main")[0];
  return SemanticSegmenter(bundle, std::make_shared<Mixer>(graph, shapes, contexts, log), threads);
}

template <typename Threads = int>
Stylizer make_stylizer(bool contexts, const std::shared_ptr<Log>& log, const Threads& threads = 1) {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_style");
  const auto engine = [&](const char* role, const Shapes& shapes) {
    return std::make_shared<Mixer>(bundle.manifest().graphs.at(role)[0], shapes, contexts, log);
  };
  const Shapes same = [](const std::vector<Shape>& inputs) {
    return std::vector<Shape>{inputs[0]};
  };
  const Shapes few = [](const std::vector<Shape>&) { return std::vector<Shape>{{1, 2, 3}}; };
  return Stylizer(bundle, {engine("main", same), engine("statistics", few), engine("tile", same)},
                  threads);
}

/// `threads`: a number, or an executor.
template <typename Threads = int>
Classifier make_classifier(bool contexts, const std::shared_ptr<Log>& log,
                           const Threads& threads = 1) {
  const Bundle bundle = Bundle::open(EDGECV_GOLDEN "/bundle_v2_classify");
  const GraphFile& graph = bundle.manifest().graphs.at("main")[0];
  return Classifier(bundle, std::make_shared<Mixer>(graph, fixed_rows({{3}}), contexts, log),
                    threads);
}

}  // namespace edgecv::testing
