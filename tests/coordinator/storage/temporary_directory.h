// A directory that is gone, with all in it, when the test is over.
#ifndef UNDERSTUDY_TESTS_COORDINATOR_STORAGE_TEMPORARY_DIRECTORY_H_
#define UNDERSTUDY_TESTS_COORDINATOR_STORAGE_TEMPORARY_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace understudy::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "understudy-test-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COORDINATOR_STORAGE_TEMPORARY_DIRECTORY_H_
