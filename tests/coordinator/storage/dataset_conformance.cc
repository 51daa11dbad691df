// The part of the conformance suite that is about datasets.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "tests/coordinator/storage/store_conformance.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/testing/listing.h"

namespace understudy::testing {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(StoreConformance, ANewDatasetIsEmptyAndIncomplete) {
  const v1::Dataset created = NewDataset("demos");
  ASSERT_TRUE(store().CreateDataset(created).ok());
  Reopen();
  const v1::Dataset found = store().GetDataset("demos").value();
  // All else is zero.
  EXPECT_TRUE(MessageDifferencer::Equals(found, created));
  EXPECT_THAT(ReadAll(store(), "demos").value(), IsEmpty());
}

TEST_P(StoreConformance, CreatingADatasetTwiceIsRefusedByName) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  ASSERT_TRUE(Append(store(), "demos", {0}, 5).ok());
  const absl::Status status = store().CreateDataset(NewDataset("demos"));
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("demos"));
  EXPECT_EQ(store().GetDataset("demos").value().episodes(), 1);
}

TEST_P(StoreConformance, EveryCallNamesADatasetThatIsNotThere) {
  for (const absl::Status& status :
       {store().GetDataset("nothing").status(), Append(store(), "nothing", {0}, 5),
        store().CompleteDataset("nothing", 1).status(), ReadAll(store(), "nothing").status(),
        store().ComputeDatasetDigest("nothing").status(), store().VerifyDataset("nothing").status(),
        store().DeleteDataset("nothing")}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(status.message()), HasSubstr("nothing"));
  }
}

TEST_P(StoreConformance, DatasetsAreListedByName) {
  for (const char* name : {"b", "c", "a"}) ASSERT_TRUE(store().CreateDataset(NewDataset(name)).ok());
  const std::vector<v1::Dataset> datasets = AllDatasets(store());
  std::vector<std::string> names;
  for (const v1::Dataset& dataset : datasets) names.push_back(dataset.name());
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
}

TEST_P(StoreConformance, CountsAreOfWhatIsStored) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  ASSERT_TRUE(Append(store(), "demos", {4}, 10).ok());
  ASSERT_TRUE(Append(store(), "demos", {1, 2}, 40).ok());
  Reopen();
  const v1::Dataset dataset = store().GetDataset("demos").value();
  EXPECT_EQ(dataset.episodes(), 3);
  EXPECT_EQ(dataset.transitions(), 90);
  EXPECT_EQ(dataset.mean_return(), 30);  // every step earns 1
  EXPECT_GT(dataset.stored_bytes(), 0);
  EXPECT_FALSE(dataset.complete());
}

TEST_P(StoreConformance, EpisodesAreReadInOrderByteForByte) {
  const BatchOptions options{.policy = "teacher", .version = 4, .action_mode = v1::ACTION_MODE_GREEDY, .record = true};
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos", options)).ok());
  ASSERT_TRUE(Append(store(), "demos", {2, 0}, 30, options).ok());
  ASSERT_TRUE(Append(store(), "demos", {1}, 30, options).ok());
  Reopen();
  const std::vector<v1::TrajectoryBatch> batches = ReadAll(store(), "demos").value();
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_TRUE(MessageDifferencer::Equals(batches[0], EpisodeBatch({0, 1, 2}, 30, options)));
}

TEST_P(StoreConformance, TheLongestEpisodeAndTheShortestAreReadAsTheyWere) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  ASSERT_TRUE(Append(store(), "demos", {0}, 500).ok());
  ASSERT_TRUE(Append(store(), "demos", {1}, 1).ok());
  const std::vector<v1::TrajectoryBatch> batches = ReadAll(store(), "demos", 0, 1).value();
  ASSERT_THAT(batches, SizeIs(2));
  EXPECT_TRUE(MessageDifferencer::Equals(batches[0], EpisodeBatch({0}, 500)));
  EXPECT_TRUE(MessageDifferencer::Equals(batches[1], EpisodeBatch({1}, 1)));
}

TEST_P(StoreConformance, AnEpisodeThatIsThereAlreadyStaysAsItIs) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  ASSERT_TRUE(Append(store(), "demos", {0, 1}, 20).ok());
  // Other lengths, so that one could tell.
  ASSERT_TRUE(Append(store(), "demos", {1, 2}, 50).ok());
  EXPECT_EQ(store().GetDataset("demos").value().episodes(), 3);
  EXPECT_EQ(store().GetDataset("demos").value().transitions(), 90);
  const std::vector<v1::TrajectoryBatch> batches = ReadAll(store(), "demos").value();
  ASSERT_THAT(EpisodeNumbers(batches), ElementsAre(0, 1, 2));
  EXPECT_EQ(batches[0].trajectories(1).steps(), 20);
}

TEST_P(StoreConformance, ReadingBeginsWhereItIsToldAndKeepsBatchesSmall) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "demos", 6, 100).ok());
  EXPECT_THAT(EpisodeNumbers(ReadAll(store(), "demos", 4).value()), ElementsAre(4, 5));
  EXPECT_THAT(ReadAll(store(), "demos", 6).value(), IsEmpty());
  EXPECT_THAT(ReadAll(store(), "demos", 1000).value(), IsEmpty());
  // An episode has 2.8 KB: two fill 4000 bytes.
  const std::vector<v1::TrajectoryBatch> batches = ReadAll(store(), "demos", 0, 4000).value();
  EXPECT_THAT(batches, SizeIs(3));
  EXPECT_THAT(EpisodeNumbers(batches), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_P(StoreConformance, AReaderThatHasEnoughEndsTheReading) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "demos", 3, 10).ok());
  int visits = 0;
  const absl::Status status = store().ReadEpisodes("demos", 0, 1, [&](const v1::TrajectoryBatch&) {
    ++visits;
    return absl::CancelledError("enough");
  });
  EXPECT_EQ(status, absl::CancelledError("enough"));
  EXPECT_EQ(visits, 1);
}

TEST_P(StoreConformance, AReaderMayUseTheStoreMeanwhile) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "demos", 3, 10).ok());
  ASSERT_TRUE(store().CreateDataset(NewDataset("copy")).ok());
  const absl::Status status = store().ReadEpisodes("demos", 0, 1, [&](const v1::TrajectoryBatch& batch) {
    return store().AppendEpisodes("copy", ViewTrajectories(batch, CartPoleSpec()));
  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(store().ComputeDatasetDigest("copy").value(), store().GetDataset("demos").value().digest());
}

TEST_P(StoreConformance, AnUnfinishedDatasetIsFinishedWithWhatItHasWithoutGap) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());  // of a recipe that asks for more
  ASSERT_TRUE(Append(store(), "demos", {0, 2, 1, 4}, 5).ok());
  const v1::Dataset finished = store().FinishDataset("demos").value();
  Reopen();
  EXPECT_TRUE(MessageDifferencer::Equals(store().GetDataset("demos").value(), finished));
  EXPECT_TRUE(finished.complete());
  EXPECT_EQ(finished.episodes(), 3);
  EXPECT_EQ(finished.transitions(), 15);
  EXPECT_EQ(finished.digest(), ExpectedDigest({0, 1, 2}, 5));
  // As one is whose recipe asked for three episodes in the first place.
  EXPECT_EQ(finished.recipe().episodes(), 3);
  EXPECT_EQ(finished.recipe().transitions(), 0);
  EXPECT_THAT(EpisodeNumbers(ReadAll(store(), "demos").value()), ElementsAre(0, 1, 2));
  EXPECT_TRUE(MessageDifferencer::Equals(store().FinishDataset("demos").value(), finished));
}

TEST_P(StoreConformance, ADatasetThatHasAllItsRecipeAsksForIsFinishedAsItWouldHaveBeen) {
  v1::Dataset dataset = NewDataset("demos");
  dataset.mutable_recipe()->clear_episodes();
  dataset.mutable_recipe()->set_transitions(12);
  ASSERT_TRUE(store().CreateDataset(dataset).ok());
  ASSERT_TRUE(Append(store(), "demos", {0, 1, 2, 3}, 5).ok());
  const v1::Dataset finished = store().FinishDataset("demos").value();
  EXPECT_EQ(finished.episodes(), 3);
  EXPECT_TRUE(MessageDifferencer::Equals(finished.recipe(), dataset.recipe()));
}

TEST_P(StoreConformance, ADatasetWithoutItsFirstEpisodeCannotBeFinished) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  EXPECT_EQ(store().FinishDataset("demos").status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Append(store(), "demos", {1}, 5).ok());
  EXPECT_EQ(store().FinishDataset("demos").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(store().GetDataset("demos").value().complete());
  EXPECT_EQ(store().FinishDataset("nothing").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, ADatasetDeletedWhileBeingReadEndsTheReading) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "demos", 3, 10).ok());
  const absl::Status status = store().ReadEpisodes("demos", 0, 1, [&](const v1::TrajectoryBatch&) {
    // A new one of the same name is another dataset.
    store().DeleteDataset("demos").IgnoreError();
    return MakeCompleteDataset(store(), "demos", 3, 20);
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, CompletingKeepsThePrefixAndComputesItsDigest) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  ASSERT_TRUE(Append(store(), "demos", {3, 0, 5}, 10).ok());
  ASSERT_TRUE(Append(store(), "demos", {2, 1}, 10).ok());
  const v1::Dataset completed = store().CompleteDataset("demos", 3).value();
  EXPECT_TRUE(completed.complete());
  EXPECT_EQ(completed.episodes(), 3);
  EXPECT_EQ(completed.transitions(), 30);
  EXPECT_EQ(completed.mean_return(), 10);
  EXPECT_EQ(completed.digest(), ExpectedDigest({0, 1, 2}, 10));
  Reopen();
  EXPECT_TRUE(MessageDifferencer::Equals(store().GetDataset("demos").value(), completed));
  EXPECT_THAT(EpisodeNumbers(ReadAll(store(), "demos").value()), ElementsAre(0, 1, 2));
  EXPECT_EQ(store().ComputeDatasetDigest("demos").value(), completed.digest());
}

TEST_P(StoreConformance, CompletingWithoutAllEpisodesIsRefusedAndChangesNothing) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  ASSERT_TRUE(Append(store(), "demos", {0, 1, 3}, 10).ok());
  for (const int64_t episodes : {3, 4, 5}) {
    const absl::Status status = store().CompleteDataset("demos", episodes).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("episode 2"));
  }
  EXPECT_FALSE(store().GetDataset("demos").value().complete());
  EXPECT_THAT(EpisodeNumbers(ReadAll(store(), "demos").value()), ElementsAre(0, 1, 3));
  ASSERT_TRUE(Append(store(), "demos", {2}, 10).ok());
  EXPECT_TRUE(store().CompleteDataset("demos", 4).ok());
}

TEST_P(StoreConformance, CompletingAgainChangesNothingAndWithAnotherCountIsRefused) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "demos", 3, 10).ok());
  const v1::Dataset before = store().GetDataset("demos").value();
  EXPECT_TRUE(MessageDifferencer::Equals(store().CompleteDataset("demos", 3).value(), before));
  EXPECT_EQ(store().CompleteDataset("demos", 2).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(MessageDifferencer::Equals(store().GetDataset("demos").value(), before));
}

TEST_P(StoreConformance, ACompleteDatasetTakesNoMoreEpisodes) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "demos", 2, 10).ok());
  const absl::Status status = Append(store(), "demos", {2}, 10);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("demos"));
  EXPECT_EQ(store().GetDataset("demos").value().episodes(), 2);
}

TEST_P(StoreConformance, TheDigestKnowsContentAndNothingElse) {
  const BatchOptions options{.policy = "other", .version = 9};
  ASSERT_TRUE(MakeCompleteDataset(store(), "one", 3, 10).ok());
  ASSERT_TRUE(store().CreateDataset(NewDataset("two", options)).ok());
  for (const int64_t episode : {2, 1, 0}) ASSERT_TRUE(Append(store(), "two", {episode}, 10, options).ok());
  const std::string digest = store().GetDataset("one").value().digest();
  EXPECT_EQ(store().CompleteDataset("two", 3).value().digest(), digest);
  ASSERT_TRUE(MakeCompleteDataset(store(), "longer", 3, 11).ok());
  EXPECT_NE(store().GetDataset("longer").value().digest(), digest);
}

TEST_P(StoreConformance, IncompleteDatasetsStayAndCanBeDeleted) {
  ASSERT_TRUE(store().CreateDataset(NewDataset("interrupted")).ok());
  ASSERT_TRUE(Append(store(), "interrupted", {0, 7}, 10).ok());
  Reopen();
  EXPECT_FALSE(store().GetDataset("interrupted").value().complete());
  EXPECT_THAT(store().VerifyDataset("interrupted").value().problems(), IsEmpty());
  ASSERT_TRUE(store().DeleteDataset("interrupted").ok());
  EXPECT_THAT(AllDatasets(store()), IsEmpty());
}

TEST_P(StoreConformance, DeletingADatasetTakesItsEpisodesAndNoOthers) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "gone", 3, 10).ok());
  ASSERT_TRUE(MakeCompleteDataset(store(), "kept", 2, 10).ok());
  ASSERT_TRUE(store().DeleteDataset("gone").ok());
  Reopen();
  EXPECT_EQ(store().GetDataset("gone").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(EpisodeNumbers(ReadAll(store(), "kept").value()), ElementsAre(0, 1));
  ASSERT_TRUE(store().CreateDataset(NewDataset("gone")).ok());
  EXPECT_THAT(ReadAll(store(), "gone").value(), IsEmpty());
}

TEST_P(StoreConformance, VerifyingCountsWhatIsIntact) {
  ASSERT_TRUE(MakeCompleteDataset(store(), "demos", 3, 10).ok());
  const v1::VerifyDatasetResponse verified = store().VerifyDataset("demos").value();
  EXPECT_EQ(verified.episodes(), 3);
  EXPECT_EQ(verified.transitions(), 30);
  EXPECT_THAT(verified.problems(), IsEmpty());
}

TEST_P(StoreConformance, EpisodesAppendedAtOnceAreAllThere) {
  constexpr int64_t kThreads = 4, kEach = 25;
  ASSERT_TRUE(store().CreateDataset(NewDataset("demos")).ok());
  std::vector<absl::Status> statuses(kThreads);
  std::vector<std::thread> threads;
  for (int64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t i = 0; i < kEach; ++i) {
        // Every second one is appended by the neighbour, too.
        const int64_t own = thread * kEach + i;
        const int64_t neighbours = (own + kEach) % (kThreads * kEach);
        const std::vector<int64_t> episodes = i % 2 == 0 ? std::vector{own, neighbours} : std::vector{own};
        statuses[static_cast<size_t>(thread)].Update(Append(store(), "demos", episodes, 10));
        statuses[static_cast<size_t>(thread)].Update(ReadAll(store(), "demos").status());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) EXPECT_TRUE(status.ok()) << status;
  std::vector<int64_t> all(kThreads * kEach);
  std::iota(all.begin(), all.end(), 0);
  const v1::Dataset dataset = store().CompleteDataset("demos", kThreads * kEach).value();
  EXPECT_EQ(dataset.transitions(), kThreads * kEach * 10);
  EXPECT_EQ(dataset.digest(), ExpectedDigest(all, 10));
}

}  // namespace
}  // namespace understudy::testing
