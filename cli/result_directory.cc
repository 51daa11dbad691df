#include "cli/result_directory.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

std::string NewName(const std::string& experiment, absl::Time now) {
  return absl::StrCat("understudy-data/", experiment, "-", absl::FormatTime("%Y%m%d-%H%M%S", now, absl::UTCTimeZone()),
                      "-", getpid());
}

bool IsMissing(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::not_found;
}

}  // namespace

ResultDirectory::ResultDirectory(const std::string& given, const std::string& experiment, absl::Time now)
    : path_(given.empty() ? NewName(experiment, now) : given) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path_, error).lexically_normal();
  for (fs::path path = absolute; IsMissing(path); path = path.parent_path()) missing_.push_back(path.string());
}

ResultDirectory::~ResultDirectory() {
  std::error_code ignored;
  if (!missing_.empty()) fs::remove_all(missing_.front(), ignored);
  // Fails where somebody else has begun to use a parent, as it should.
  for (const std::string& path : missing_) fs::remove(path, ignored);
}

}  // namespace understudy
