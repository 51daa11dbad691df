// Checkpoints in a SqliteStore: a damaged one is found, and keeps no later one from being stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/coordinator/storage/damaged_store.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Large enough for pages of its own.
const std::string& LargeContent() {
  static const std::string content = std::string(100'000, 'a') + std::string(100'000, 'b');
  return content;
}

TEST(SqliteStore, ADamagedCheckpointIsFoundOnLoadingAndReplacedByALaterOne) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, LargeContent()).ok());
  Flip(path, "checkpoint_contents", "content", 1, 150'000);
  const auto store = OpenStore(path);
  const absl::Status status = store->GetCheckpoint("e1", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("checkpoint of experiment 'e1', stage 3, epoch 5, iteration 1"), HasSubstr("checksum")));
  ASSERT_TRUE(PutCheckpoint(*store, 6, "later").ok());
  EXPECT_EQ(store->GetCheckpoint("e1", 2).value().content, "later");
}

TEST(SqliteStore, ACheckpointThatIsCutShortIsFoundOnLoading) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, "content").ok());
  Execute(path, "UPDATE checkpoint_contents SET content = x'636f6e'");
  const absl::Status status = OpenStore(path)->GetCheckpoint("e1", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("found 3 bytes, expected 7"));
}

// "content", by sha256sum.
TEST(SqliteStore, ACheckpointOfAnEarlierBuildIsCheckedByItsSha256) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, "content").ok());
  Execute(path, "UPDATE checkpoints SET digest = x'ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73'");
  const auto stored = OpenStore(path)->GetCheckpoint("e1", 2);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->content, "content");
  EXPECT_EQ(stored->header.SerializeAsString(), CheckpointHeader("e1", 2, 5, 1, "content").SerializeAsString());

  Flip(path, "checkpoint_contents", "content", 1, 3);
  const absl::Status status = OpenStore(path)->GetCheckpoint("e1", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected ed7002b439e9"));
}

TEST(SqliteStore, ACheckpointWithoutContentIsDataLoss) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, "content").ok());
  Execute(path, "DELETE FROM checkpoint_contents");
  const auto store = OpenStore(path);
  EXPECT_EQ(store->GetCheckpoint("e1", 2).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(PutCheckpoint(*store, 6, "later").ok());
  EXPECT_EQ(store->GetCheckpoint("e1", 2).value().content, "later");
}

TEST(SqliteStore, ReplacingCheckpointsDoesNotGrowTheFile) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("store");
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 1, LargeContent()).ok());
  const uintmax_t size = std::filesystem::file_size(path);
  for (int epoch = 2; epoch < 20; ++epoch) ASSERT_TRUE(PutCheckpoint(*OpenStore(path), epoch, LargeContent()).ok());
  EXPECT_LT(std::filesystem::file_size(path), size + LargeContent().size());
}

TEST(SqliteStore, ADestroyedPageOfACheckpointKeepsNeitherALaterOneNorTheExperimentFromBeingStored) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, LargeContent()).ok());
  OverwritePageWith(path, std::string(1000, 'a') + std::string(1000, 'b'));
  const auto store = OpenStore(path);
  EXPECT_EQ(store->GetCheckpoint("e1", 2).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(PutCheckpoint(*store, 6, "later").ok());
  EXPECT_EQ(store->GetCheckpoint("e1", 2).value().content, "later");

  v1::Experiment experiment;
  experiment.set_id("e1");
  for (int stage = 0; stage < 3; ++stage) experiment.add_stages()->set_status(v1::STATUS_SUCCEEDED);
  EXPECT_TRUE(store->PutExperiment(experiment, "").ok());
  EXPECT_EQ(store->GetExperiment("e1").value().stages_size(), 3);
  EXPECT_THAT(store->VerifyDataset("demos").value().problems(), IsEmpty());
}

}  // namespace
}  // namespace understudy::testing
