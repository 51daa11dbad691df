#include "cli/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

std::string Content(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

TEST(OutputFile, AppearsWhenItIsCommitted) {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.File("out");
  absl::StatusOr<OutputFile> file = OutputFile::Create(path, false);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("one\n").ok());
  ASSERT_TRUE(file->Write("two\n").ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Content(path), "one\ntwo\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST(OutputFile, LeavesNothingWhereItIsNotCommitted) {
  const testing::TemporaryDirectory directory;
  {
    absl::StatusOr<OutputFile> file = OutputFile::Create(directory.File("out"), false);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Write("half").ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(OutputFile, ReplacesAFileOnlyWhereItMay) {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.File("out");
  std::ofstream(path) << "old";
  const auto refused = OutputFile::Create(path, false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr(path + " exists already"));
  auto file = OutputFile::Create(path, true);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(Content(path), "old");
  ASSERT_TRUE(file->Write("new").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Content(path), "new");
}

TEST(OutputFile, NamesAFileThatCannotBeWritten) {
  const auto file = OutputFile::Create("/nowhere/at/all", false);
  EXPECT_EQ(file.status().message(), "cannot write /nowhere/at/all: No such file or directory");
}

TEST(OutputFile, WritesToADeviceAndLeavesItInItsPlace) {
  const testing::TemporaryDirectory directory;
  const std::string link = directory.File("null");
  std::filesystem::create_symlink("/dev/null", link);
  auto file = OutputFile::Create(link, true);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("gone").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_TRUE(std::filesystem::is_character_file(link));
}

TEST(OutputFile, SaysWhenADeviceTakesNoMore) {
  auto file = OutputFile::Create("/dev/full", false);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->Write("text").message(), "cannot write /dev/full: No space left on device");
}

TEST(OutputFile, ReplacesWhatALinkLeadsTo) {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.File("out"), link = directory.File("link");
  std::ofstream(path) << "old";
  std::filesystem::create_symlink(path, link);
  EXPECT_EQ(OutputFile::Create(link, false).status().code(), absl::StatusCode::kAlreadyExists);
  auto file = OutputFile::Create(link, true);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("new").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(Content(path), "new");
}

TEST(OutputFile, NeverReplacesADirectory) {
  const testing::TemporaryDirectory directory;
  const auto file = OutputFile::Create(directory.path(), true);
  EXPECT_THAT(std::string(file.status().message()), HasSubstr("is a directory"));
}

}  // namespace
}  // namespace understudy
