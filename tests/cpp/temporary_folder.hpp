// A folder that goes away with the test.
#pragma once

#include <filesystem>
#include <random>
#include <string>

namespace edgecv::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;  // runs of the tests side by side
    path_ = std::filesystem::temp_directory_path() /
            ("edgecv_test_" + std::to_string(random()) + "_" + std::to_string(random()));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace edgecv::testing
