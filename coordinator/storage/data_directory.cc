#include "coordinator/storage/data_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "coordinator/storage/files.h"
#include "coordinator/storage/sqlite_store.h"

namespace understudy {
namespace {

constexpr char kStoreFile[] = "understudy.sqlite";
constexpr char kLockFile[] = "lock";
// Leaves room for what SQLite adds.
constexpr size_t kLongestPath = PATH_MAX - 64;

// Latest first. A directory that somebody else has put something into stays.
void RemoveCreated(const std::vector<std::string>& paths) {
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) ::remove(path->c_str());
}

// What Open has made, to be removed where it fails after all.
class Created {
 public:
  ~Created() { RemoveCreated(paths_); }
  void Add(std::string path) { paths_.push_back(std::move(path)); }
  std::vector<std::string> Keep() { return std::exchange(paths_, {}); }

 private:
  std::vector<std::string> paths_;
};

absl::StatusOr<bool> Exists(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return SystemError(errno, absl::StrCat("look at ", path));
}

// Where something is to be made, "no such file" means that it may not be made: as in /proc.
absl::Status CannotWrite(int system_error, const std::string& operation) {
  const absl::Status status = SystemError(system_error, operation);
  return absl::IsNotFound(status) ? absl::PermissionDeniedError(status.message()) : status;
}

// Makes what is missing of the path, and makes it last. NOT_FOUND: a parent that was there has gone meanwhile.
absl::Status MakeMissing(const std::string& path, Created& created) {
  std::vector<std::string> missing;
  std::error_code unreadable;  // is as good as missing: making it will say why
  for (std::string directory = path; !std::filesystem::exists(directory, unreadable);
       directory = DirectoryOf(directory)) {
    missing.push_back(directory);
  }
  for (auto directory = missing.rbegin(); directory != missing.rend(); ++directory) {
    if (mkdir(directory->c_str(), 0777) == 0) {
      created.Add(*directory);
    } else if (errno != EEXIST) {
      return SystemError(errno, absl::StrCat("make data directory ", path));
    }
    if (absl::Status status = SyncFile(DirectoryOf(*directory)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Another process may remove an empty parent that it made, just when we need it: a few attempts are enough.
absl::Status MakeDirectories(const std::string& path, Created& created) {
  constexpr int kAttempts = 10;
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    status = MakeMissing(path, created);
    if (!absl::IsNotFound(status)) return status;
  }
  return absl::PermissionDeniedError(status.message());
}

// The third word of a lock's line, where its owner is a daemon.
constexpr char kStays[] = "stays";

// Who holds a lock, as the owner has written it there: "PID HOST", or "PID HOST stays".
struct Owner {
  std::string name = "another process";  // or "process PID on HOST"
  bool stays = false;
  bool stale = true;  // nobody's name, or that of a process of this host that has ended
};

std::string HostName() {
  char host[HOST_NAME_MAX + 1] = "";
  gethostname(host, HOST_NAME_MAX);
  return host;
}

Owner ReadOwner(int fd) {
  char text[HOST_NAME_MAX + 32];
  const ssize_t size = pread(fd, text, sizeof(text), 0);
  const std::vector<std::string> words =
      absl::StrSplit(absl::StripAsciiWhitespace({text, static_cast<size_t>(size > 0 ? size : 0)}), ' ');
  int pid = 0;
  if (words.size() < 2 || !absl::SimpleAtoi(words[0], &pid)) return {};
  return {.name = absl::StrCat("process ", words[0], " on ", words[1]),
          .stays = words.size() > 2 && words[2] == kStays,
          .stale = words[1] == HostName() && kill(pid, 0) != 0 && errno == ESRCH};
}

absl::Status WriteOwner(int fd, const std::string& lock_path, bool stays) {
  const std::string owner = absl::StrCat(getpid(), " ", HostName(), stays ? " " : "", stays ? kStays : "", "\n");
  if (ftruncate(fd, 0) == 0 && pwrite(fd, owner.data(), owner.size(), 0) == static_cast<ssize_t>(owner.size())) {
    return absl::OkStatus();
  }
  return SystemError(errno, absl::StrCat("write ", lock_path));
}

// Whether `path` is still the name of the open file.
bool IsNameOf(const std::string& path, int fd) {
  struct stat named, open_file;
  return stat(path.c_str(), &named) == 0 && fstat(fd, &open_file) == 0 && named.st_dev == open_file.st_dev &&
         named.st_ino == open_file.st_ino;
}

// Whether the file is empty or has the line of an owner. Anything else is somebody's file that happens to be called
// like a lock, and must not be overwritten.
bool IsLock(int fd) {
  char text[HOST_NAME_MAX + 64];
  const ssize_t size = pread(fd, text, sizeof(text), 0);
  if (size <= 0 || size == sizeof(text)) return size == 0;
  const std::vector<std::string> words =
      absl::StrSplit(absl::StripAsciiWhitespace({text, static_cast<size_t>(size)}), ' ');
  int64_t pid = 0;
  return (words.size() == 2 || words.size() == 3) && absl::SimpleAtoi(words[0], &pid);
}

// A lock that nobody has written an owner into is new.
bool IsEmpty(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 && found.st_size == 0;
}

// Returns the file that holds the lock until it is closed. Makes the directory where it is missing and may be made.
absl::StatusOr<int> Lock(const std::string& directory, DataDirectory::Mode mode, const DataDirectoryTurns& turns,
                         Created& created) {
  const std::string lock_path = absl::StrCat(directory, "/", kLockFile);
  const bool create = mode == DataDirectory::Mode::kCreate;
  // Whoever takes the lock writes its name next. Only a process that was stopped just there keeps us for so long.
  constexpr absl::Duration kLongestUnnamed = absl::Seconds(1);
  const absl::Time unnamed_until = absl::Now() + kLongestUnnamed;
  while (true) {
    if (create) {
      if (absl::Status status = MakeDirectories(directory, created); !status.ok()) return status;
    }
    const int fd = open(lock_path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT, 0666);
    if (fd < 0) {
      const int error = errno;
      // A process that made it, and needs it no more, has just removed it.
      if (create && error == ENOENT && !Exists(directory).value_or(true)) continue;
      return CannotWrite(error, absl::StrCat("lock data directory ", directory));
    }
    auto close_fd = absl::MakeCleanup([fd] { close(fd); });
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return SystemError(errno, absl::StrCat("lock data directory ", directory));
      const Owner owner = ReadOwner(fd);
      if (owner.stale && absl::Now() < unnamed_until) {
        absl::SleepFor(absl::Milliseconds(1));
        continue;
      }
      if (!owner.stays && turns.wait != nullptr && turns.wait(owner.name)) continue;
      return absl::UnavailableError(absl::StrCat("data directory ", directory, " is in use by ", owner.name,
                                                 owner.stays ? ", a coordinator" : ""));
    }
    // A process that removed what it had made has removed the lock, too: that file locks nothing any more.
    if (!IsNameOf(lock_path, fd)) continue;
    if (!IsLock(fd)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "data directory ", directory, ": ", lock_path,
          " is a file of something else, expected a lock or nothing: choose another directory, or rename that file"));
    }
    if (IsEmpty(fd)) created.Add(lock_path);
    if (absl::Status status = WriteOwner(fd, lock_path, turns.stays); !status.ok()) return status;
    std::move(close_fd).Cancel();
    return fd;
  }
}

// Whether there was none.
absl::StatusOr<bool> CreateStoreIfMissing(const std::string& store_path, Created& created) {
  const absl::StatusOr<bool> exists = Exists(store_path);
  if (!exists.ok()) return exists.status();
  if (*exists) return false;
  created.Add(store_path);
  if (absl::Status status = SqliteStore::Create(store_path); !status.ok()) return status;
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::string& path, Mode mode,
                                                                   const DataDirectoryTurns& turns) {
  if (path.size() > kLongestPath) {
    return absl::InvalidArgumentError(absl::StrCat("data directory ", path.substr(0, 64), "…: found a path of ",
                                                   path.size(), " bytes, expected at most ", kLongestPath));
  }
  const std::string store_path = absl::StrCat(path, "/", kStoreFile);
  if (mode != Mode::kCreate) {
    const absl::StatusOr<bool> exists = Exists(store_path);
    if (!exists.ok()) return exists.status();
    if (!*exists) return absl::NotFoundError(absl::StrCat("there is no store in ", path, ": no file ", store_path));
  }

  // Unlocked last, when all that a failed attempt has made is gone again.
  int lock_fd = -1;
  auto unlock = absl::MakeCleanup([&lock_fd] {
    if (lock_fd >= 0) close(lock_fd);
  });
  Created created;
  if (mode != Mode::kRead) {
    const absl::StatusOr<int> lock = Lock(path, mode, turns, created);
    if (!lock.ok()) return lock.status();
    lock_fd = *lock;
  }
  bool is_new = false;
  if (mode == Mode::kCreate) {
    const absl::StatusOr<bool> made = CreateStoreIfMissing(store_path, created);
    if (!made.ok()) return made.status();
    is_new = *made;
  }
  absl::StatusOr<std::unique_ptr<SqliteStore>> store =
      SqliteStore::Open(store_path, {.read_only = mode == Mode::kRead});
  if (!store.ok()) return store.status();
  std::move(unlock).Cancel();
  return std::unique_ptr<DataDirectory>(new DataDirectory(lock_fd, is_new, created.Keep(), *std::move(store)));
}

DataDirectory::DataDirectory(int lock_fd, bool is_new, std::vector<std::string> created,
                             std::unique_ptr<SqlStore> store)
    : lock_fd_(lock_fd), is_new_(is_new), created_(std::move(created)), store_(std::move(store)) {}

void DataDirectory::DiscardIfNew() {
  store_.reset();
  RemoveCreated(std::exchange(created_, {}));
}

DataDirectory::~DataDirectory() {
  // The last write comes before anybody else's first.
  store_.reset();
  if (lock_fd_ >= 0) close(lock_fd_);
}

}  // namespace understudy
