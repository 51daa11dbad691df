#include "common/process/output_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// As many as the kernel follows.
constexpr int kMostLinks = 40;

absl::Status Failure(const char* what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, " ", path));
}

absl::Status ExistsAlready(const std::string& path) {
  return absl::AlreadyExistsError(absl::StrCat(path, " exists already: replace it with --force"));
}

std::string DirectoryOf(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// The path that a chain of links ends at, whether or not there is anything.
std::string FollowLinks(fs::path path) {
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, error); ++i) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) break;  // opening it will say why
    path = path.parent_path() / next;
  }
  return path.string();
}

// The name under which the kernel lets a file be linked that has none.
std::string DescriptorPath(const FileDescriptor& fd) { return absl::StrCat("/proc/self/fd/", fd.get()); }

bool LinkDescriptor(const FileDescriptor& fd, const char* name) {
  return linkat(AT_FDCWD, DescriptorPath(fd).c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
}

// The name in a directory is durable only when the directory is. Who may write to a directory need not be allowed to
// open it, and not every file system syncs directories: then the whole file system is synced.
absl::Status SyncDirectory(const std::string& path, const FileDescriptor& file) {
  const FileDescriptor directory(open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid() && fsync(directory.get()) == 0) return absl::OkStatus();
  return syncfs(file.get()) == 0 ? absl::OkStatus() : Failure("sync the directory of", path);
}

// Names that a signal handler removes. An entry is never freed, as a handler may be looking at it.
struct Doomed {
  std::string path;  // written only while not active
  std::atomic<bool> active = false;
  std::atomic<bool> taken = true;
  Doomed* next = nullptr;
};
std::atomic<Doomed*> all_doomed = nullptr;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<Doomed*>::is_always_lock_free,
              "signal handlers may not lock");

// The action is the default one again by now (SA_RESETHAND), and ends the process when this returns.
void RemoveDoomed(int signal) {
  for (const Doomed* one = all_doomed; one != nullptr; one = one->next) {
    if (one->active) unlink(one->path.c_str());
  }
  raise(signal);
}

// Signals that are ignored or handled do not end the process, and are left alone.
void HandleDeadlySignals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGALRM, SIGXCPU}) {
    struct sigaction action = {};
    sigaction(signal, nullptr, &action);
    if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) continue;
    action.sa_handler = RemoveDoomed;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
}

Doomed* TakeDoomed() {
  for (Doomed* one = all_doomed; one != nullptr; one = one->next) {
    if (!one->taken.exchange(true)) return one;
  }
  auto* const made = new Doomed;
  made->next = all_doomed;
  while (!all_doomed.compare_exchange_weak(made->next, made)) {
  }
  return made;
}

}  // namespace

// A name beside `target` that nobody else has. A file of this name goes with this object, and with the process where a
// signal ends that.
class OutputFile::TemporaryName {
 public:
  explicit TemporaryName(const std::string& target) : doomed_(TakeDoomed()) {
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) random = static_cast<uint64_t>(getpid());
    doomed_->path = absl::StrFormat("%s/.understudy-%016x", DirectoryOf(target), random);
    HandleDeadlySignals();
    doomed_->active = true;
  }
  ~TemporaryName() {
    if (doomed_->active) unlink(path());
    Release();
    doomed_->taken = false;
  }
  const char* path() const { return doomed_->path.c_str(); }
  // There is no such file any more.
  void Release() { doomed_->active = false; }

 private:
  Doomed* const doomed_;
};

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path, const Options& options) {
  OutputFile file;
  file.path_ = path;
  struct stat found;
  const bool exists = stat(path.c_str(), &found) == 0;
  if (!exists && errno != ENOENT) return Failure("write", path);
  if (exists && S_ISDIR(found.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " is a directory, expected a file"));
  }
  if (exists && !S_ISREG(found.st_mode)) {
    file.fd_ = FileDescriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.fd_.valid()) return Failure("write", path);
    return file;
  }
  if (exists && !options.replace) return ExistsAlready(path);
  file.target_ = FollowLinks(path);
  file.replace_ = options.replace;
  if (fs::path(file.target_).filename().empty()) {
    errno = EISDIR;
    return Failure("write", path);
  }
  if (absl::Status status = file.OpenTemporary(options, exists ? 0600 : 0666); !status.ok()) return status;
  if (exists) {
    const bool given = fchown(file.fd_.get(), found.st_uid, found.st_gid) == 0;
    // To a group other than it was meant for it shows no more than to everybody.
    const mode_t mode = given ? found.st_mode : (found.st_mode & ~070U) | ((found.st_mode & 07U) << 3);
    if (fchmod(file.fd_.get(), mode & 0777) != 0) return Failure("set the permissions of", path);
  }
  return file;
}

OutputFile::OutputFile() = default;
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile::~OutputFile() = default;

absl::Status OutputFile::OpenTemporary(const Options& options, mode_t mode) {
  if (!options.named) {
    fd_ = FileDescriptor(open(DirectoryOf(target_).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
    if (fd_.valid() && access(DescriptorPath(fd_).c_str(), F_OK) == 0) return absl::OkStatus();
    // What kernels and file systems say that have no such files; without /proc, they cannot be given a name.
    const bool unsupported = fd_.valid() || errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    if (!unsupported) return Failure("write", path_);
  }
  name_ = std::make_unique<TemporaryName>(target_);
  fd_ = FileDescriptor(open(name_->path(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd_.valid()) {
    name_->Release();
    return Failure("write", path_);
  }
  return absl::OkStatus();
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

// Only renaming replaces a file, and only what has a name can be renamed.
absl::Status OutputFile::Replace() {
  if (name_ == nullptr) {
    name_ = std::make_unique<TemporaryName>(target_);
    if (!LinkDescriptor(fd_, name_->path())) return Failure("write", path_);
  }
  if (rename(name_->path(), target_.c_str()) != 0) return Failure("write", path_);
  name_->Release();
  return absl::OkStatus();
}

absl::Status OutputFile::PutWhereNothingIs() {
  bool done = false;
  if (name_ == nullptr) {
    done = LinkDescriptor(fd_, target_.c_str());
  } else {
    done = renameat2(AT_FDCWD, name_->path(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0;
    if (done) name_->Release();
    // NFS cannot do that, but hard links; then the temporary name goes with its object.
    if (!done && (errno == EINVAL || errno == ENOSYS)) done = link(name_->path(), target_.c_str()) == 0;
  }
  if (done) return absl::OkStatus();
  return errno == EEXIST ? ExistsAlready(path_) : Failure("write", path_);
}

absl::Status OutputFile::Commit() {
  if (target_.empty()) return absl::OkStatus();
  if (fsync(fd_.get()) != 0) return Failure("write", path_);
  if (absl::Status status = replace_ ? Replace() : PutWhereNothingIs(); !status.ok()) return status;
  return SyncDirectory(target_, fd_);
}

}  // namespace understudy
