#include "edgecv/load/model_info.hpp"

#include "edgecv/error.hpp"

namespace edgecv {

ModelInfo::ModelInfo(const Bundle& bundle)
    : labels_(std::make_shared<const std::vector<std::string>>(bundle.manifest().labels)),
      choice_(std::make_shared<const Choice>()) {}

const char* ModelInfo::label(std::int64_t index) const {
  if (index < 0 || static_cast<std::uint64_t>(index) >= labels_->size()) {
    throw Error(ErrorCode::invalid_input, "label: expected 0 to below " +
                                              std::to_string(labels_->size()) + ", got " +
                                              std::to_string(index));
  }
  return (*labels_)[static_cast<std::size_t>(index)].c_str();
}

}  // namespace edgecv
