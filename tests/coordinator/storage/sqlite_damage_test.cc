// Damage within a SqliteStore is found and named, and costs only what it has hit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/trajectory/dataset_content.h"
#include "tests/coordinator/storage/damaged_store.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/listing.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string DigestOf(int64_t episode, int64_t steps) {
  const v1::TrajectoryBatch batch = EpisodeBatch({episode}, steps);
  return EpisodeDigest(ViewTrajectories(batch, CartPoleSpec()).front());
}

TEST(SqliteStore, FindsADamagedEpisodeAndReadsAllOthers) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Flip(path, "episodes", "content", RowOfDemos(7), 100);
  const auto store = OpenStore(path);

  for (const absl::Status& status :
       {ReadAll(*store, "demos").status(), store->ComputeDatasetDigest("demos").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("dataset 'demos', episode 7: cannot decompress"));
  }
  const v1::VerifyDatasetResponse verified = store->VerifyDataset("demos").value();
  EXPECT_THAT(verified.problems(), ElementsAre(HasSubstr("episode 7")));
  EXPECT_EQ(verified.episodes(), 39);
  EXPECT_EQ(verified.transitions(), 3900);

  EXPECT_THAT(EpisodeNumbers(ReadAll(*store, "demos", 8).value()), SizeIs(32));
  EXPECT_THAT(store->VerifyDataset("before").value().problems(), IsEmpty());
  EXPECT_THAT(EpisodeNumbers(ReadAll(*store, "after").value()), SizeIs(40));
}

TEST(SqliteStore, GoesOnAfterDamageAndNamesEveryEpisode) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Flip(path, "episodes", "content", RowOfDemos(0), 50);
  Flip(path, "episodes", "digest", RowOfDemos(20), 0);
  Execute(path, "UPDATE episodes SET steps = 99 WHERE number = 39");
  EXPECT_THAT(OpenStore(path)->VerifyDataset("demos").value().problems(),
              ElementsAre(HasSubstr("episode 0: "), AllOf(HasSubstr("episode 20: "), HasSubstr("digest")),
                          AllOf(HasSubstr("episode 39: "), HasSubstr("100 steps"), HasSubstr("99 steps"))));
}

TEST(SqliteStore, NamesAtMostAHundredProblems) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("store");
  ASSERT_TRUE(MakeCompleteDataset(*OpenStore(path), "demos", 150, 1).ok());
  Execute(path, "UPDATE episodes SET return = 5");
  EXPECT_THAT(OpenStore(path)->VerifyDataset("demos").value().problems(), SizeIs(100));
}

TEST(SqliteStore, FindsEpisodesThatAreMissing) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Execute(path, "DELETE FROM episodes WHERE dataset = 2 AND number IN (0, 10, 11, 12, 38, 39)");
  const auto store = OpenStore(path);
  EXPECT_THAT(store->VerifyDataset("demos").value().problems(),
              ElementsAre(HasSubstr("episode 0 is missing"), HasSubstr("episode 10 to 12 are missing"),
                          HasSubstr("episode 38 to 39 are missing")));
  EXPECT_EQ(ReadAll(*store, "demos").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadAll(*store, "demos", 20).status().code(), absl::StatusCode::kDataLoss);
}

TEST(SqliteStore, FindsEpisodesThatWereExchangedForOthers) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  {
    const auto store = OpenStore(path);
    ASSERT_TRUE(MakeCompleteDataset(*store, "longer", 40, 101).ok());
  }
  Execute(path,
          "UPDATE episodes SET (steps, return, digest, content) = (SELECT steps, return, digest, content FROM episodes "
          "WHERE dataset = 4 AND number = 5) WHERE dataset = 2 AND number = 5");
  EXPECT_THAT(OpenStore(path)->VerifyDataset("demos").value().problems(),
              ElementsAre(AllOf(HasSubstr("4001 transitions"), HasSubstr("expected 4000"))));
}

TEST(SqliteStore, ADestroyedPageCostsOnlyWhatWasOnIt) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  {
    const auto store = OpenStore(path);
    ASSERT_TRUE(MakeCompleteDataset(*store, "victim", 40, 123).ok());
  }
  OverwritePageWith(path, DigestOf(25, 123));
  const auto store = OpenStore(path);
  const v1::VerifyDatasetResponse verified = store->VerifyDataset("victim").value();
  EXPECT_THAT(verified.problems(), ::testing::Contains(HasSubstr("episode 25: ")));
  EXPECT_GE(verified.episodes(), 30);
  EXPECT_EQ(ReadAll(*store, "victim").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->ComputeDatasetDigest("demos").value(), store->GetDataset("demos").value().digest());
}

TEST(SqliteStore, ADamagedPolicyIsFoundOnLoading) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  {
    const auto store = OpenStore(path);
    ASSERT_EQ(store->AddPolicy(*TestSnapshot("expert", 2), {}).value(), 2);
  }
  Flip(path, "policies", "parameters", 1, 17);
  const auto store = OpenStore(path);
  const absl::Status status = store->LoadPolicy("expert", 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("policy 'expert' version 1"));
  EXPECT_TRUE(store->LoadPolicy("expert", 2).ok());
}

TEST(SqliteStore, ListsEpisodesWithoutReadingTheirContent) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Flip(path, "episodes", "content", RowOfDemos(7), 100);
  EXPECT_THAT(OpenStore(path)->ListEpisodes("demos").value(), SizeIs(40));
}

TEST(SqliteStore, DamagedMessagesAreNamed) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  v1::Experiment experiment;
  experiment.set_id("e1");
  ASSERT_TRUE(OpenStore(path)->PutExperiment(experiment, "").ok());
  experiment.set_id("e2");
  ASSERT_TRUE(OpenStore(path)->PutExperiment(experiment, "").ok());
  Execute(path,
          "UPDATE experiments SET content = x'ff' WHERE id = 'e1'; UPDATE policies SET header = x'ff'; "
          "UPDATE datasets SET recipe = x'ff' WHERE name = 'demos'");
  const auto store = OpenStore(path);
  const std::vector<absl::Status> statuses = {
      store->GetExperiment("e1").status(), store->GetPolicy("expert", 1).status(), store->GetDataset("demos").status()};
  const std::vector<std::string> names = {"'e1'", "'expert' version 1", "'demos'"};
  for (size_t i = 0; i < statuses.size(); ++i) {
    EXPECT_EQ(statuses[i].code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(statuses[i].message()), HasSubstr(names[i]));
  }
  EXPECT_TRUE(store->GetDataset("before").ok());
  // A coordinator starts all the same, with the others.
  const auto listed = AllExperiments(*store);
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0].id(), "e2");
}

}  // namespace
}  // namespace understudy::testing
