#include "coordinator/storage/data_directory.h"

#include <fcntl.h>
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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

// Makes what is missing of the path, and makes it last.
absl::Status MakeDirectories(const std::string& path, Created& created) {
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
      return CannotWrite(errno, absl::StrCat("make data directory ", path));
    }
    if (absl::Status status = SyncFile(DirectoryOf(*directory)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// "pid host", as its owner has written it into the lock.
absl::Status InUse(int fd, const std::string& path) {
  char text[HOST_NAME_MAX + 32];
  const ssize_t size = pread(fd, text, sizeof(text), 0);
  const std::vector<std::string> owner =
      absl::StrSplit(absl::StripAsciiWhitespace({text, static_cast<size_t>(size > 0 ? size : 0)}), ' ');
  return absl::UnavailableError(
      absl::StrCat("data directory ", path, " is in use by ",
                   owner.size() == 2 ? absl::StrCat("process ", owner[0], " on ", owner[1]) : "another process"));
}

absl::Status WriteOwner(int fd, const std::string& lock_path) {
  char host[HOST_NAME_MAX + 1] = "";
  gethostname(host, HOST_NAME_MAX);
  const std::string owner = absl::StrCat(getpid(), " ", host, "\n");
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

// A lock that nobody has written an owner into is new.
bool IsEmpty(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 && found.st_size == 0;
}

// Returns the file that holds the lock until it is closed.
absl::StatusOr<int> Lock(const std::string& directory, Created& created) {
  const std::string lock_path = absl::StrCat(directory, "/", kLockFile);
  while (true) {
    const int fd = open(lock_path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT, 0666);
    if (fd < 0) return CannotWrite(errno, absl::StrCat("lock data directory ", directory));
    auto close_fd = absl::MakeCleanup([fd] { close(fd); });
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return InUse(fd, directory);
      return SystemError(errno, absl::StrCat("lock data directory ", directory));
    }
    // Whoever failed to create a store has removed the lock that it held: that file locks nothing any more.
    if (!IsNameOf(lock_path, fd)) continue;
    if (IsEmpty(fd)) created.Add(lock_path);
    if (absl::Status status = WriteOwner(fd, lock_path); !status.ok()) return status;
    std::move(close_fd).Cancel();
    return fd;
  }
}

absl::Status CreateStoreIfMissing(const std::string& store_path, Created& created) {
  const absl::StatusOr<bool> exists = Exists(store_path);
  if (!exists.ok()) return exists.status();
  if (*exists) return absl::OkStatus();
  created.Add(store_path);
  return SqliteStore::Create(store_path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::string& path, Mode mode) {
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
  if (mode == Mode::kCreate) {
    if (absl::Status status = MakeDirectories(path, created); !status.ok()) return status;
  }
  if (mode != Mode::kRead) {
    const absl::StatusOr<int> lock = Lock(path, created);
    if (!lock.ok()) return lock.status();
    lock_fd = *lock;
  }
  if (mode == Mode::kCreate) {
    if (absl::Status status = CreateStoreIfMissing(store_path, created); !status.ok()) return status;
  }
  absl::StatusOr<std::unique_ptr<SqliteStore>> store =
      SqliteStore::Open(store_path, {.read_only = mode == Mode::kRead});
  if (!store.ok()) return store.status();
  std::move(unlock).Cancel();
  return std::unique_ptr<DataDirectory>(new DataDirectory(lock_fd, created.Keep(), *std::move(store)));
}

DataDirectory::DataDirectory(int lock_fd, std::vector<std::string> created, std::unique_ptr<SqlStore> store)
    : lock_fd_(lock_fd), created_(std::move(created)), store_(std::move(store)) {}

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
