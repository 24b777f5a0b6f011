// What every model says about itself.
//
//   const auto classifier = edgecv::load<edgecv::Classifier>("animals");
//   std::printf("%s on %s, in %s\n", classifier.choice().engine.c_str(),
//               classifier.choice().device.c_str(), classifier.choice().precision.c_str());
//   std::puts(classifier.label(0));
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edgecv/bundle/bundle.hpp"
#include "edgecv/export.hpp"
#include "edgecv/load/choice.hpp"

namespace edgecv {

class EDGECV_API ModelInfo {
 public:
  /// The names of the bundle's classes, in the order of the labels in results; none for a stylizer.
  const std::vector<std::string>& labels() const { return *labels_; }
  /// One of them, as printf() takes it. Throws Error (invalid_input) if there is no such label.
  const char* label(std::int64_t index) const;

  /// What load() chose, and why nothing better; `files` is empty. All of it is empty for a model
  /// that was made of engines.
  const Choice& choice() const { return *choice_; }

 protected:
  explicit ModelInfo(const Bundle& bundle);

 private:
  friend class Loader;
  std::shared_ptr<const std::vector<std::string>> labels_;
  std::shared_ptr<const Choice> choice_;
};

}  // namespace edgecv
