#include "common/process/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

std::string Content(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

std::vector<std::string> Names(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
  return names;
}

mode_t ModeOf(const std::string& path) {
  struct stat found = {};
  stat(path.c_str(), &found);
  return found.st_mode & 07777;
}

// Forks a process that writes to `path` with `options` and then does `act`; returns how it ended.
int InAnotherProcess(const std::string& path, const OutputFile::Options& options,
                     const std::function<void(OutputFile&)>& act) {
  const pid_t child = fork();
  if (child == 0) {
    auto file = OutputFile::Create(path, options);
    if (!file.ok() || !file->Write("half").ok()) _exit(99);
    act(*file);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(OutputFile, AppearsWhenItIsCommitted) {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.File("out");
  absl::StatusOr<OutputFile> file = OutputFile::Create(path, {});
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("one\n").ok());
  ASSERT_TRUE(file->Write("two\n").ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Content(path), "one\ntwo\n");
}

TEST(OutputFile, LeavesNothingWhereItIsNotCommitted) {
  const testing::TemporaryDirectory directory;
  {
    absl::StatusOr<OutputFile> file = OutputFile::Create(directory.File("out"), {});
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Write("half").ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(OutputFile, ReplacesAFileOnlyWhereItMay) {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.File("out");
  std::ofstream(path) << "old";
  const auto refused = OutputFile::Create(path, {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr(path + " exists already"));
  auto file = OutputFile::Create(path, {.replace = true});
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(Content(path), "old");
  ASSERT_TRUE(file->Write("new").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Content(path), "new");
}

TEST(OutputFile, NamesAFileThatCannotBeWritten) {
  const auto file = OutputFile::Create("/nowhere/at/all", {});
  EXPECT_EQ(file.status().message(), "cannot write /nowhere/at/all: No such file or directory");
}

TEST(OutputFile, WritesToADeviceAndLeavesItInItsPlace) {
  const testing::TemporaryDirectory directory;
  const std::string link = directory.File("null");
  std::filesystem::create_symlink("/dev/null", link);
  auto file = OutputFile::Create(link, {.replace = true});
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("gone").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_TRUE(std::filesystem::is_character_file(link));
}

TEST(OutputFile, SaysWhenADeviceTakesNoMore) {
  auto file = OutputFile::Create("/dev/full", {});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->Write("text").message(), "cannot write /dev/full: No space left on device");
}

TEST(OutputFile, ReplacesWhatALinkLeadsTo) {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.File("out"), link = directory.File("link");
  std::ofstream(path) << "old";
  std::filesystem::create_symlink(path, link);
  EXPECT_EQ(OutputFile::Create(link, {}).status().code(), absl::StatusCode::kAlreadyExists);
  auto file = OutputFile::Create(link, {.replace = true});
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("new").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(Content(path), "new");
}

TEST(OutputFile, NeverReplacesADirectory) {
  const testing::TemporaryDirectory directory;
  const auto file = OutputFile::Create(directory.path(), {.replace = true});
  EXPECT_THAT(std::string(file.status().message()), HasSubstr("is a directory"));
}

TEST(OutputFile, MakesWhatADanglingLinkLeadsTo) {
  const testing::TemporaryDirectory directory;
  std::filesystem::create_symlink("target", directory.File("link"));
  auto file = OutputFile::Create(directory.File("link"), {});
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("new").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(directory.File("link")));
  EXPECT_EQ(Content(directory.File("target")), "new");
}

TEST(OutputFile, ReplacesOneNameOfAFileAndNotTheOther) {
  const testing::TemporaryDirectory directory;
  std::ofstream(directory.File("one")) << "old";
  std::filesystem::create_hard_link(directory.File("one"), directory.File("two"));
  auto file = OutputFile::Create(directory.File("one"), {.replace = true});
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("new").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Content(directory.File("one")), "new");
  EXPECT_EQ(Content(directory.File("two")), "old");
}

TEST(OutputFile, KeepsThePermissionsOfWhatItReplaces) {
  const testing::TemporaryDirectory directory;
  std::ofstream(directory.File("out")) << "old";
  chmod(directory.File("out").c_str(), 0640);
  auto file = OutputFile::Create(directory.File("out"), {.replace = true});
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(ModeOf(directory.File("out")), 0640u);
}

TEST(OutputFile, NamesItselfWhereItCannotGrow) {
  const testing::TemporaryDirectory directory;
  const int status = InAnotherProcess(directory.File("out"), {}, [](OutputFile& file) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 10, .rlim_max = 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    const absl::Status written = file.Write("much more than ten bytes");
    _exit(absl::StrContains(written.message(), "/out: File too large") ? 7 : 8);
  });
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

// On file systems that have files without names, and on others.
class OnAnyFileSystem : public ::testing::TestWithParam<bool> {
 protected:
  static OutputFile::Options Options(bool replace) { return {.replace = replace, .named = GetParam()}; }
  std::string path() const { return directory_.File("out"); }

  const testing::TemporaryDirectory directory_;
};
INSTANTIATE_TEST_SUITE_P(OutputFile, OnAnyFileSystem, ::testing::Values(false, true),
                         [](const auto& test) { return test.param ? "Named" : "Nameless"; });

TEST_P(OnAnyFileSystem, EachOfTwoWritersWritesAFileOfItsOwn) {
  std::ofstream(directory_.File("out.tmp")) << "the user's";
  auto first = OutputFile::Create(path(), Options(true));
  auto second = OutputFile::Create(path(), Options(true));
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(first->Write("first ").ok());
  ASSERT_TRUE(second->Write("second ").ok());
  ASSERT_TRUE(first->Write("whole").ok());
  ASSERT_TRUE(second->Write("whole").ok());
  ASSERT_TRUE(second->Commit().ok());
  EXPECT_EQ(Content(path()), "second whole");
  ASSERT_TRUE(first->Commit().ok());
  EXPECT_EQ(Content(path()), "first whole");
  EXPECT_EQ(Content(directory_.File("out.tmp")), "the user's");
  EXPECT_THAT(Names(directory_.path()), ::testing::UnorderedElementsAre("out", "out.tmp"));
}

TEST_P(OnAnyFileSystem, LeavesAFileThatHasAppearedMeanwhile) {
  {
    auto file = OutputFile::Create(path(), Options(false));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->Write("late").ok());
    std::ofstream(path()) << "the user's";
    EXPECT_EQ(file->Commit().code(), absl::StatusCode::kAlreadyExists);
  }
  EXPECT_EQ(Content(path()), "the user's");
  EXPECT_THAT(Names(directory_.path()), ::testing::ElementsAre("out"));
}

TEST_P(OnAnyFileSystem, HasTheUsualPermissions) {
  const mode_t mask = umask(027);
  auto file = OutputFile::Create(path(), Options(false));
  umask(mask);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(ModeOf(path()), 0640u);
}

TEST_P(OnAnyFileSystem, LeavesNothingWhereASignalEndsTheProcess) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    signal(number, SIG_DFL);  // whatever has started the test
    const int status = InAnotherProcess(path(), Options(true), [number](OutputFile&) { raise(number); });
    EXPECT_TRUE(WIFSIGNALED(status)) << number;
    EXPECT_EQ(WTERMSIG(status), number);
    EXPECT_THAT(Names(directory_.path()), ::testing::IsEmpty()) << number;
  }
}

TEST_P(OnAnyFileSystem, GoesOnWhereASignalIsIgnored) {
  const auto commit = [](OutputFile& file) {
    raise(SIGHUP);
    _exit(file.Commit().ok() ? 7 : 8);
  };
  signal(SIGHUP, SIG_IGN);
  const int status = InAnotherProcess(path(), Options(false), commit);
  signal(SIGHUP, SIG_DFL);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(Content(path()), "half");
}

TEST(OutputFile, LeavesNothingWhereTheProcessIsKilled) {
  const testing::TemporaryDirectory directory;
  InAnotherProcess(directory.File("out"), {.replace = true}, [](OutputFile&) { raise(SIGKILL); });
  EXPECT_THAT(Names(directory.path()), ::testing::IsEmpty());
}

}  // namespace
}  // namespace understudy
