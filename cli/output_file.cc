#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

absl::Status Failure(const char* what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, " ", path));
}

// The name in its directory is durable only when the directory is.
absl::Status SyncDirectory(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string directory = parent.empty() ? "." : parent.string();
  const FileDescriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return Failure("sync the directory", directory);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path, bool replace) {
  struct stat found;
  const bool exists = stat(path.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " is a directory, expected a file"));
  }
  if (exists && !S_ISREG(found.st_mode)) {
    FileDescriptor device(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!device.valid()) return Failure("write", path);
    return OutputFile(path, "", std::move(device));
  }
  if (exists && !replace)
    return absl::AlreadyExistsError(absl::StrCat(path, " exists already: replace it with --force"));
  std::error_code unresolved;  // then opening it says why
  std::string target = exists ? std::filesystem::canonical(path, unresolved).string() : path;
  std::string temporary = absl::StrCat(target, ".tmp");
  FileDescriptor fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd.valid()) return Failure("write", path);
  return OutputFile(std::move(target), std::move(temporary), std::move(fd));
}

OutputFile::OutputFile(std::string path, std::string temporary, FileDescriptor fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

OutputFile::~OutputFile() {
  if (fd_.valid() && !temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status OutputFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failure("write", path_);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (temporary_.empty()) return absl::OkStatus();
  if (fsync(fd_.get()) != 0) return Failure("write", path_);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return Failure("write", path_);
  fd_.Close();
  return SyncDirectory(path_);
}

}  // namespace understudy
