#include "coordinator/storage/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

TEST(Files, SystemErrorsBecomeStatusesThatSayWhatFailedAndWhy) {
  EXPECT_EQ(SystemError(ENOENT, "open x"), absl::NotFoundError("cannot open x: No such file or directory"));
  EXPECT_EQ(SystemError(EROFS, "open x").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(SystemError(ENOSPC, "write x"),
            absl::ResourceExhaustedError("cannot write x: the disk is full: No space left on device"));
  EXPECT_EQ(SystemError(EIO, "read x").code(), absl::StatusCode::kUnavailable);
}

TEST(Files, SyncsFilesAndDirectories) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("file")) << "content";
  EXPECT_TRUE(SyncFile(directory.File("file")).ok());
  EXPECT_TRUE(SyncFile(directory.path()).ok());
  const absl::Status status = SyncFile(directory.File("missing"));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory.File("missing")));
}

TEST(Files, RenamesOrSaysBothNames) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("old")) << "content";
  EXPECT_TRUE(RenameFile(directory.File("old"), directory.File("new")).ok());
  EXPECT_TRUE(std::filesystem::exists(directory.File("new")));
  const absl::Status status = RenameFile(directory.File("old"), directory.File("newer"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory.File("old")));
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory.File("newer")));
}

TEST(Files, KnowsTheDirectoryOfAPath) {
  EXPECT_EQ(DirectoryOf("/a/b"), "/a");
  EXPECT_EQ(DirectoryOf("/a"), "/");
  EXPECT_EQ(DirectoryOf("a/b"), "a");
  EXPECT_EQ(DirectoryOf("a"), ".");
}

}  // namespace
}  // namespace understudy::testing
