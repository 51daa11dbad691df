#include "coordinator/storage/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {
namespace {

using Mode = DataDirectory::Mode;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A process of its own that runs `work`, which tells the test numbers and then waits to be killed.
class Child {
 public:
  using Tell = std::function<void(int64_t)>;

  explicit Child(const std::function<void(const Tell&)>& work) {
    int ends[2];
    if (pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    pid_ = fork();
    if (pid_ == 0) {
      work([&](int64_t number) {
        if (write(ends[1], &number, sizeof(number)) != sizeof(number)) _exit(1);
      });
      while (true) pause();
    }
    close(ends[1]);
    told_ = ends[0];
  }
  ~Child() {
    Kill();
    close(told_);
  }

  // The next number that it tells; -1 where it has died.
  int64_t Listen() const {
    int64_t number = 0;
    return read(told_, &number, sizeof(number)) == sizeof(number) ? number : -1;
  }
  void Kill() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  int told_;
};

std::vector<std::string> FilesIn(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path().filename());
  std::sort(files.begin(), files.end());
  return files;
}

void CreateWithDataset(const std::string& path) {
  const auto directory = DataDirectory::Open(path, Mode::kCreate).value();
  ASSERT_TRUE(MakeCompleteDataset(directory->store(), "demos", 3, 10).ok());
}

// For EXPECT_EXIT: opens as a user without special rights, and prints how that ends.
[[noreturn]] void OpenUnprivileged(const std::string& path, Mode mode) {
  if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) _exit(1);
  const auto directory = DataDirectory::Open(path, mode);
  std::cerr << directory.status();
  if (directory.ok()) std::cerr << " " << (*directory)->store().ComputeDatasetDigest("demos").ok();
  _exit(0);
}

// For EXPECT_EXIT: the store does not fit, as on a full disk; the lock does.
[[noreturn]] void CreateWithoutSpace(const std::string& path) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
  std::cerr << DataDirectory::Open(path, Mode::kCreate).status();
  _exit(0);
}

TEST(DataDirectory, IsMadeWithItsParentsAndFoundAgain) {
  const TemporaryDirectory temporary;
  const std::string path = temporary.File("a/b/c");
  CreateWithDataset(path);
  for (const Mode mode : {Mode::kCreate, Mode::kWrite, Mode::kRead}) {
    EXPECT_EQ(DataDirectory::Open(path, mode).value()->store().GetDataset("demos").value().episodes(), 3);
  }
}

TEST(DataDirectory, DiscardsWhatIsNewAndNothingElse) {
  const TemporaryDirectory temporary;
  DataDirectory::Open(temporary.File("new/data"), Mode::kCreate).value()->DiscardIfNew();
  EXPECT_THAT(FilesIn(temporary.path()), IsEmpty());

  const std::string path = temporary.File("old");
  CreateWithDataset(path);
  DataDirectory::Open(path, Mode::kCreate).value()->DiscardIfNew();
  EXPECT_EQ(DataDirectory::Open(path, Mode::kRead).value()->store().GetDataset("demos").value().episodes(), 3);
}

TEST(DataDirectory, RefusesAPathThatIsTooLongBeforeMakingAnyOfIt) {
  const TemporaryDirectory temporary;
  std::string path = temporary.path();
  while (path.size() < 5000) path += "/directory";
  EXPECT_EQ(DataDirectory::Open(path, Mode::kCreate).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FilesIn(temporary.path()), IsEmpty());
}

TEST(DataDirectory, OnlyCreatingMakesAStore) {
  const TemporaryDirectory temporary;
  for (const std::string& path : {temporary.path(), temporary.File("missing")}) {
    for (const Mode mode : {Mode::kWrite, Mode::kRead}) {
      const absl::Status status = DataDirectory::Open(path, mode).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
      EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    }
  }
  EXPECT_THAT(FilesIn(temporary.path()), IsEmpty());
}

TEST(DataDirectory, BelongsToOneWriterOnly) {
  const TemporaryDirectory temporary;
  Child owner([&](const Child::Tell& tell) {
    const auto directory = DataDirectory::Open(temporary.path(), Mode::kCreate);
    tell(directory.ok());
    while (true) pause();
  });
  ASSERT_EQ(owner.Listen(), 1);
  for (const Mode mode : {Mode::kCreate, Mode::kWrite}) {
    const absl::Status status = DataDirectory::Open(temporary.path(), mode).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(temporary.path()), HasSubstr("process " + std::to_string(owner.pid()) + " on ")));
  }
  // The lock ends with its owner, however that dies.
  owner.Kill();
  EXPECT_TRUE(DataDirectory::Open(temporary.path(), Mode::kWrite).ok());
}

// As if its holder had been stopped between taking the lock and writing its name over that of the last one.
TEST(DataDirectory, NamesAHolderThatHasNotWrittenItsNameYet) {
  const TemporaryDirectory temporary;
  auto holder = DataDirectory::Open(temporary.path(), Mode::kCreate).value();
  const std::string lock = temporary.File("lock");
  const auto write = [&](const std::string& line) { std::ofstream(lock) << line << std::flush; };
  std::string written;
  std::getline(std::ifstream(lock), written);
  Child ended([](const Child::Tell&) {});
  const std::string last = absl::StrCat(ended.pid(), written.substr(written.find(' ')));
  ended.Kill();
  for (const std::string& before : {std::string(), last}) {
    write(before);
    std::thread late([&] {
      absl::SleepFor(absl::Milliseconds(50));
      write(written);
    });
    const absl::Status status = DataDirectory::Open(temporary.path(), Mode::kWrite).status();
    late.join();
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("in use by process ", getpid(), " on ")));
  }
}

TEST(DataDirectory, IsGivenBackWhenDestroyed) {
  const TemporaryDirectory temporary;
  auto directory = DataDirectory::Open(temporary.path(), Mode::kCreate).value();
  EXPECT_EQ(DataDirectory::Open(temporary.path(), Mode::kWrite).status().code(), absl::StatusCode::kUnavailable);
  directory.reset();
  EXPECT_TRUE(DataDirectory::Open(temporary.path(), Mode::kWrite).ok());
}

TEST(DataDirectory, ComesToWhoWaitsForItsTurn) {
  const testing::TemporaryDirectory temporary;
  auto holder = DataDirectory::Open(temporary.path(), Mode::kCreate).value();
  std::vector<std::string> seen;
  const auto second = DataDirectory::Open(temporary.path(), Mode::kCreate, {.wait = [&](const std::string& name) {
                                            seen.push_back(name);
                                            if (seen.size() == 2) holder.reset();
                                            return true;
                                          }});
  EXPECT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(seen, SizeIs(2));
  EXPECT_THAT(seen, Each(StartsWith(absl::StrCat("process ", getpid(), " on "))));
}

TEST(DataDirectory, IsRefusedToWhoGivesUpWaiting) {
  const testing::TemporaryDirectory temporary;
  const auto holder = DataDirectory::Open(temporary.path(), Mode::kCreate).value();
  const auto wait = [](const std::string&) { return false; };
  EXPECT_TRUE(absl::IsUnavailable(DataDirectory::Open(temporary.path(), Mode::kCreate, {.wait = wait}).status()));
}

TEST(DataDirectory, OfADaemonIsNotWaitedFor) {
  const testing::TemporaryDirectory temporary;
  const auto holder = DataDirectory::Open(temporary.path(), Mode::kCreate, {.stays = true}).value();
  const auto wait = [](const std::string& name) {
    ADD_FAILURE() << name;
    return false;
  };
  const absl::Status status = DataDirectory::Open(temporary.path(), Mode::kCreate, {.wait = wait}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("in use by process ", getpid())));
  EXPECT_THAT(std::string(status.message()), HasSubstr(", a coordinator"));
}

TEST(DataDirectory, IsMadeAnewWhereItsMakerHasDiscardedItMeanwhile) {
  const testing::TemporaryDirectory temporary;
  const std::string path = temporary.File("new/data");
  auto first = DataDirectory::Open(path, Mode::kCreate).value();
  const auto second = DataDirectory::Open(path, Mode::kCreate, {.wait = [&](const std::string&) {
                                            first->DiscardIfNew();
                                            first.reset();
                                            EXPECT_FALSE(std::filesystem::exists(temporary.File("new")));
                                            return true;
                                          }});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(std::filesystem::exists(path + "/understudy.sqlite"));
}

TEST(DataDirectory, IsReadWhileItsOwnerWrites) {
  const TemporaryDirectory temporary;
  Child owner([&](const Child::Tell& tell) {
    const auto directory = DataDirectory::Open(temporary.path(), Mode::kCreate).value();
    tell(MakeCompleteDataset(directory->store(), "demos", 3, 10).ok());
    while (true) pause();
  });
  ASSERT_EQ(owner.Listen(), 1);
  const auto reader = DataDirectory::Open(temporary.path(), Mode::kRead).value();
  EXPECT_THAT(reader->store().VerifyDataset("demos").value().problems(), IsEmpty());
  EXPECT_EQ(reader->store().DeleteDataset("demos").code(), absl::StatusCode::kPermissionDenied);
}

TEST(DataDirectory, IsReadAfterItsOwnerWasKilled) {
  const TemporaryDirectory temporary;
  {
    Child owner([&](const Child::Tell& tell) {
      const auto directory = DataDirectory::Open(temporary.path(), Mode::kCreate).value();
      tell(MakeCompleteDataset(directory->store(), "demos", 3, 10).ok());
      while (true) pause();
    });
    ASSERT_EQ(owner.Listen(), 1);
  }
  EXPECT_EQ(DataDirectory::Open(temporary.path(), Mode::kRead).value()->store().GetDataset("demos").value().episodes(),
            3);
}

TEST(DataDirectory, HoldsAllThatWasAcknowledgedBeforeItsOwnerWasKilled) {
  const TemporaryDirectory temporary;
  for (const int64_t acknowledged : {0, 1, 30, 200}) {
    const std::string path = temporary.File(std::to_string(acknowledged));
    Child owner([&](const Child::Tell& tell) {
      const auto directory = DataDirectory::Open(path, Mode::kCreate).value();
      if (!directory->store().CreateDataset(NewDataset("demos")).ok()) _exit(1);
      for (int64_t episode = 0;; ++episode) {
        tell(episode);
        if (!Append(directory->store(), "demos", {episode}, 100).ok()) _exit(1);
      }
    });
    // Telling an episode means that those before it are acknowledged.
    for (int64_t episode = 0; episode <= acknowledged; ++episode) ASSERT_EQ(owner.Listen(), episode);
    owner.Kill();

    const auto directory = DataDirectory::Open(path, Mode::kWrite).value();
    Store& store = directory->store();
    EXPECT_THAT(store.VerifyDataset("demos").value().problems(), IsEmpty());
    std::vector<int64_t> expected;
    for (int64_t episode = 0; episode < acknowledged; ++episode) expected.push_back(episode);
    EXPECT_EQ(store.CompleteDataset("demos", acknowledged).value().digest(), ExpectedDigest(expected, 100));
  }
}

TEST(DataDirectory, ThatCannotBeMadeIsNamedWithTheReason) {
  const TemporaryDirectory temporary;
  std::ofstream(temporary.File("file")) << "not a directory";
  for (const std::string& path :
       {temporary.File("file"), temporary.File("file/a/b"), std::string("/proc/understudy")}) {
    const absl::Status status = DataDirectory::Open(path, Mode::kCreate).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
  EXPECT_THAT(FilesIn(temporary.path()), ElementsAre("file"));
}

TEST(DataDirectory, ThatMayNotBeWrittenIsRefusedButCanBeRead) {
  const TemporaryDirectory temporary;
  CreateWithDataset(temporary.path());
  // Nothing but the store, as on a read-only medium.
  std::filesystem::remove(temporary.File("lock"));
  ASSERT_EQ(chmod(temporary.path().c_str(), 0555), 0);
  ASSERT_EQ(chmod(temporary.File("understudy.sqlite").c_str(), 0444), 0);
  EXPECT_EXIT(OpenUnprivileged(temporary.path(), Mode::kCreate), ExitedWithCode(0),
              "PERMISSION_DENIED.*understudy-test");
  EXPECT_EXIT(OpenUnprivileged(temporary.path(), Mode::kWrite), ExitedWithCode(0),
              "PERMISSION_DENIED.*understudy-test");
  EXPECT_EXIT(OpenUnprivileged(temporary.File("new"), Mode::kCreate), ExitedWithCode(0), "PERMISSION_DENIED.*/new");
  EXPECT_EXIT(OpenUnprivileged(temporary.path(), Mode::kRead), ExitedWithCode(0), "OK 1");
  EXPECT_THAT(FilesIn(temporary.path()), ElementsAre("understudy.sqlite"));
  chmod(temporary.path().c_str(), 0755);
}

TEST(DataDirectory, LeavesNothingBehindWhereCreatingFails) {
  const TemporaryDirectory temporary;
  EXPECT_EXIT(CreateWithoutSpace(temporary.File("a/b")), ExitedWithCode(0), "cannot create the store");
  EXPECT_THAT(FilesIn(temporary.path()), IsEmpty());
}

TEST(DataDirectory, KeepsWhatSomebodyElseHasPutThere) {
  const TemporaryDirectory temporary;
  std::filesystem::create_directories(temporary.File("understudy.sqlite.new/occupied"));
  EXPECT_FALSE(DataDirectory::Open(temporary.path(), Mode::kCreate).ok());
  EXPECT_THAT(FilesIn(temporary.path()), ElementsAre("understudy.sqlite.new"));
}

TEST(DataDirectory, ADamagedStoreIsNotReplaced) {
  const TemporaryDirectory temporary;
  CreateWithDataset(temporary.path());
  std::filesystem::resize_file(temporary.File("understudy.sqlite"), 0);
  for (const Mode mode : {Mode::kCreate, Mode::kWrite, Mode::kRead}) {
    EXPECT_EQ(DataDirectory::Open(temporary.path(), mode).status().code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace understudy::testing
