// The part of the conformance suite that is about what a stage that is under way goes on from: checkpoints and
// outcomes.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/coordinator/storage/store_conformance.h"
#include "tests/coordinator/storage/stored_content.h"

namespace understudy::testing {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::Status Put(Store& store, int64_t epoch, int64_t iteration, const std::string& content) {
  return store.PutCheckpoint(CheckpointHeader("e1", 0, epoch, iteration, content), content);
}

std::string ContentOf(Store& store, const std::string& experiment = "e1", int stage = 0) {
  const absl::StatusOr<StoredCheckpoint> found = store.GetCheckpoint(experiment, stage);
  return found.ok() ? found->content : std::string(absl::StatusCodeToString(found.status().code()));
}

v1::Experiment ExperimentWithStages(const std::string& id, const std::vector<v1::Status>& stages) {
  v1::Experiment experiment;
  experiment.set_id(id);
  for (const v1::Status status : stages) experiment.add_stages()->set_status(status);
  return experiment;
}

TEST_P(StoreConformance, ACheckpointIsFoundAsItWasPut) {
  const std::string content("\0of any \xff bytes\0", 16);
  const v1::CheckpointHeader header = CheckpointHeader("e1", 3, 4294967297, 17, content);
  ASSERT_TRUE(store().PutCheckpoint(header, content).ok());
  Reopen();
  const StoredCheckpoint found = store().GetCheckpoint("e1", 3).value();
  EXPECT_TRUE(MessageDifferencer::Equals(found.header, header)) << found.header.DebugString();
  EXPECT_EQ(found.content, content);
}

TEST_P(StoreConformance, AMissingCheckpointIsNamed) {
  ASSERT_TRUE(Put(store(), 1, 1, "content").ok());
  const absl::Status status = store().GetCheckpoint("e1", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("experiment 'e1', stage 3"));
  EXPECT_EQ(store().GetCheckpoint("e2", 0).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, ALaterCheckpointReplacesTheEarlierOne) {
  ASSERT_TRUE(Put(store(), 1, 9, "epoch 1, iteration 9").ok());
  ASSERT_TRUE(Put(store(), 1, 10, "epoch 1, iteration 10, longer").ok());
  EXPECT_EQ(ContentOf(store()), "epoch 1, iteration 10, longer");
  // The epoch counts first: a stage may have gone back to an earlier iteration.
  ASSERT_TRUE(Put(store(), 2, 3, "epoch 2").ok());
  Reopen();
  EXPECT_EQ(ContentOf(store()), "epoch 2");
}

TEST_P(StoreConformance, ACheckpointThatIsNotLaterChangesNothing) {
  ASSERT_TRUE(Put(store(), 2, 5, "latest").ok());
  EXPECT_TRUE(Put(store(), 2, 4, "earlier iteration").ok());
  EXPECT_TRUE(Put(store(), 2, 5, "same again").ok());
  EXPECT_TRUE(Put(store(), 1, 6, "earlier epoch").ok());
  EXPECT_EQ(ContentOf(store()), "latest");
}

TEST_P(StoreConformance, StagesHaveCheckpointsOfTheirOwn) {
  for (const auto& [experiment, stage] : std::vector<std::pair<std::string, int>>{{"e1", 0}, {"e1", 1}, {"e2", 0}}) {
    const std::string content = experiment + "/" + std::to_string(stage);
    ASSERT_TRUE(store().PutCheckpoint(CheckpointHeader(experiment, stage, 1, 1, content), content).ok());
  }
  EXPECT_EQ(ContentOf(store(), "e1", 0), "e1/0");
  EXPECT_EQ(ContentOf(store(), "e1", 1), "e1/1");
  EXPECT_EQ(ContentOf(store(), "e2", 0), "e2/0");
}

TEST_P(StoreConformance, ContentThatIsNotWhatTheHeaderSaysIsRefused) {
  ASSERT_TRUE(Put(store(), 1, 1, "content").ok());
  v1::CheckpointHeader header = CheckpointHeader("e1", 0, 2, 7, "content");
  absl::Status status = store().PutCheckpoint(header, "konten");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("'e1', stage 1, epoch 2, iteration 7"), HasSubstr("found 6 bytes, expected 7")));
  status = store().PutCheckpoint(header, "kontent");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  // Of "content", by xxhsum.
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected 55f2b31a6acfaa64"));
  EXPECT_EQ(store().GetCheckpoint("e1", 0).value().header.stage().epoch(), 1);
}

TEST_P(StoreConformance, ACheckpointOfManyPagesIsReplacedAsAWhole) {
  const std::string first(3 << 20, 'a');
  const std::string second(2 << 20, 'b');
  ASSERT_TRUE(Put(store(), 1, 1, first).ok());
  ASSERT_TRUE(Put(store(), 1, 2, second).ok());
  Reopen();
  EXPECT_TRUE(ContentOf(store()) == second);
}

TEST_P(StoreConformance, OfCheckpointsPutAtOnceTheLatestStays) {
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  for (int i = 1; i <= kThreads; ++i) {
    threads.emplace_back([&, i] { EXPECT_TRUE(Put(store(), 1, i, std::to_string(i)).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ContentOf(store()), "4");
}

TEST_P(StoreConformance, OutcomesAreListedByNumberAndTheFirstOfANumberStays) {
  const EpisodeOutcome zero{.number = 0, .steps = 500, .undiscounted_return = 500};
  const EpisodeOutcome one{.number = 1, .steps = 7, .undiscounted_return = -0.1};
  const EpisodeOutcome ten{.number = 10, .steps = 1, .undiscounted_return = 1e300};
  ASSERT_TRUE(store().AppendOutcomes("e1", 3, {ten, zero}).ok());
  ASSERT_TRUE(
      store().AppendOutcomes("e1", 3, {{.number = 10, .steps = 2, .undiscounted_return = 2}, one, {.number = 0}}).ok());
  ASSERT_TRUE(store().AppendOutcomes("e1", 3, {}).ok());
  Reopen();
  EXPECT_TRUE(store().ListOutcomes("e1", 3).value() == std::vector<EpisodeOutcome>({zero, one, ten}));
}

TEST_P(StoreConformance, StagesHaveOutcomesOfTheirOwn) {
  ASSERT_TRUE(store().AppendOutcomes("e1", 0, {{.number = 1}}).ok());
  ASSERT_TRUE(store().AppendOutcomes("e1", 1, {{.number = 1}, {.number = 2}}).ok());
  ASSERT_TRUE(store().AppendOutcomes("e2", 0, {{.number = 3}}).ok());
  EXPECT_THAT(store().ListOutcomes("e1", 0).value(), ElementsAre(EpisodeOutcome{.number = 1}));
  EXPECT_THAT(store().ListOutcomes("e1", 1).value(), SizeIs(2));
  EXPECT_THAT(store().ListOutcomes("e2", 1).value(), IsEmpty());
}

TEST_P(StoreConformance, AStageThatHasSucceededKeepsNeitherCheckpointNorOutcomes) {
  for (int stage = 0; stage < 5; ++stage) {
    ASSERT_TRUE(store().PutCheckpoint(CheckpointHeader("e1", stage, 1, 1, "content"), "content").ok());
    ASSERT_TRUE(store().AppendOutcomes("e1", stage, {{.number = 1}}).ok());
  }
  ASSERT_TRUE(store().PutCheckpoint(CheckpointHeader("e2", 0, 1, 1, "another's"), "another's").ok());
  ASSERT_TRUE(
      store()
          .PutExperiment(ExperimentWithStages("e1", {v1::STATUS_SUCCEEDED, v1::STATUS_FAILED, v1::STATUS_SUCCEEDED,
                                                     v1::STATUS_CANCELLED, v1::STATUS_RUNNING}),
                         "")
          .ok());
  for (const int succeeded : {0, 2}) {
    EXPECT_EQ(ContentOf(store(), "e1", succeeded), "NOT_FOUND");
    EXPECT_THAT(store().ListOutcomes("e1", succeeded).value(), IsEmpty());
  }
  for (const int resumable : {1, 3, 4}) {
    EXPECT_EQ(ContentOf(store(), "e1", resumable), "content");
    EXPECT_THAT(store().ListOutcomes("e1", resumable).value(), SizeIs(1));
  }
  EXPECT_EQ(ContentOf(store(), "e2", 0), "another's");
}

TEST_P(StoreConformance, AnExperimentThatIsRefusedDropsNothing) {
  ASSERT_TRUE(store().PutExperiment(ExperimentWithStages("e1", {v1::STATUS_RUNNING}), "").ok());
  ASSERT_TRUE(store().PutExperiment(ExperimentWithStages("e2", {}), "token").ok());
  ASSERT_TRUE(Put(store(), 1, 1, "content").ok());
  ASSERT_FALSE(store().PutExperiment(ExperimentWithStages("e1", {v1::STATUS_SUCCEEDED}), "token").ok());
  EXPECT_EQ(ContentOf(store()), "content");
}

TEST_P(StoreConformance, EpisodesAreListedByNumberWithTheirOutcomes) {
  // EpisodeBatch gives a reward of 1 for every step.
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  EXPECT_THAT(store().ListEpisodes("demos").value(), IsEmpty());
  ASSERT_TRUE(Append(store(), "demos", {4, 0}, 10).ok());
  ASSERT_TRUE(Append(store(), "demos", {2, 4}, 20).ok());
  ASSERT_TRUE(MakeCompleteDataset(store(), "others", 2, 30).ok());
  Reopen();
  EXPECT_THAT(store().ListEpisodes("demos").value(),
              ElementsAre(EpisodeOutcome{.number = 0, .steps = 10, .undiscounted_return = 10},
                          EpisodeOutcome{.number = 2, .steps = 20, .undiscounted_return = 20},
                          EpisodeOutcome{.number = 4, .steps = 10, .undiscounted_return = 10}));
  EXPECT_EQ(store().ListEpisodes("nowhere").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace understudy::testing
