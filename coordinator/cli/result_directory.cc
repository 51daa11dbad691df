#include "coordinator/cli/result_directory.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr char kParent[] = "understudy-data";

}  // namespace

absl::StatusOr<ResultDirectory> ResultDirectory::Choose(const std::string& given, const std::string& experiment,
                                                        absl::Time now) {
  std::error_code error;
  if (!given.empty()) {
    const bool there = std::filesystem::symlink_status(given, error).type() != std::filesystem::file_type::not_found;
    return ResultDirectory(given, there, "");
  }
  const bool made = std::filesystem::create_directory(kParent, error);
  if (error) {
    return absl::ErrnoToStatus(
        error.value(), absl::StrCat("cannot make the directory ", kParent, " (name another with --data_dir DIR)"));
  }
  return ResultDirectory(absl::StrCat(kParent, "/", experiment, "-",
                                      absl::FormatTime("%Y%m%d-%H%M%S", now, absl::UTCTimeZone()), "-", getpid()),
                         false, made ? kParent : "");
}

ResultDirectory::ResultDirectory(std::string path, bool kept, std::string made_parent)
    : path_(std::move(path)), kept_(kept), made_parent_(std::move(made_parent)) {}

ResultDirectory::ResultDirectory(ResultDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      kept_(std::exchange(other.kept_, true)),
      made_parent_(std::move(other.made_parent_)) {}

ResultDirectory::~ResultDirectory() {
  if (kept_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  // Fails where somebody else has begun to use it, as it should.
  if (!made_parent_.empty()) std::filesystem::remove(made_parent_, ignored);
}

}  // namespace understudy
