// A store that is copied to another kind of store, and back, is the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/postgres_store.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/listing.h"
#include "tests/testing/postgres_server.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

PostgresServer& Server() {
  static PostgresServer server;
  return server;
}

void IgnoreProgress(const std::string&, int64_t, bool) {}

v1::StageKey Stage(const std::string& experiment, int stage) {
  v1::StageKey key;
  key.set_experiment_id(experiment);
  key.set_stage(stage);
  return key;
}

// More rows of every table than are read at a time, but for the largest.
void Fill(Store& store) {
  for (int i = 0; i < 40; ++i) {
    v1::Experiment experiment;
    experiment.set_id(absl::StrCat("e", (i * 7) % 40));
    experiment.set_submitted_unix_ms(i / 4);
    experiment.add_stages()->set_status(v1::STATUS_RUNNING);
    EXPECT_TRUE(store.PutExperiment(experiment, i % 2 == 0 ? "" : absl::StrCat("token ", i)).ok());
  }
  for (int i = 1; i <= 1100; ++i) {
    v1::StageProgress metrics;
    metrics.set_iteration(i);
    (*metrics.mutable_metrics())["loss"] = 1.0 / i;
    EXPECT_TRUE(store.PutMetrics("e1", i % 2, metrics).ok());
  }
  for (const auto& [name, version] : std::vector<std::pair<std::string, int64_t>>{{"b", 1}, {"a", 1}, {"b", 2}}) {
    EXPECT_TRUE(store.AddPolicy(*TestSnapshot(name, version), Stage("e1", 0)).ok());
  }
  EXPECT_TRUE(MakeCompleteDataset(store, "gone", 1, 5).ok());
  EXPECT_TRUE(MakeCompleteDataset(store, "complete", 50, 20).ok());
  EXPECT_TRUE(store.CreateDataset(NewDataset("partial")).ok());
  EXPECT_TRUE(Append(store, "partial", {3, 1, 7}, 5).ok());
  EXPECT_TRUE(store.CreateDataset(NewDataset("empty")).ok());
  EXPECT_TRUE(store.DeleteDataset("gone").ok());
  for (int stage = 0; stage < 3; ++stage) {
    const std::string content = absl::StrCat("checkpoint ", stage, std::string(100'000, 'x'));
    EXPECT_TRUE(store.PutCheckpoint(CheckpointHeader("e2", stage, 5, 6, content), content).ok());
  }
  std::vector<EpisodeOutcome> outcomes;
  for (int64_t i = 0; i < 1000; ++i) outcomes.push_back({i * 3, i, 0.1 * static_cast<double>(i)});
  EXPECT_TRUE(store.AppendOutcomes("e2", 1, outcomes).ok());
}

// Everything that the store's calls tell.
std::string Dump(Store& store) {
  std::string text;
  const auto add = [&text](const auto& message) { absl::StrAppend(&text, message.SerializeAsString(), "\n"); };
  const auto experiments = AllExperiments(store);
  for (const v1::Experiment& experiment : experiments) add(experiment);
  for (int i = 0; i < 40; ++i) {
    absl::StrAppend(&text, store.FindExperimentByToken(absl::StrCat("token ", i)).value(), "\n");
  }
  for (int stage = 0; stage < 2; ++stage) {
    const auto progress = AllMetrics(store, "e1", stage);
    for (const v1::StageProgress& metrics : progress) {
      absl::StrAppend(&text, metrics.iteration(), " ", metrics.metrics().at("loss"), "\n");
    }
  }
  const auto policies = AllPolicies(store);
  for (const v1::StoredPolicy& policy : policies) {
    add(policy);
    absl::StrAppend(&text, store.LoadPolicy(policy.header().name(), policy.header().version()).value()->parameters);
  }
  const auto datasets = AllDatasets(store);
  for (const v1::Dataset& dataset : datasets) {
    add(dataset);
    EXPECT_EQ(store.VerifyDataset(dataset.name()).value().problems_size(), 0);
    const auto batches = ReadAll(store, dataset.name()).value();
    for (const v1::TrajectoryBatch& batch : batches) add(batch);
  }
  for (int stage = 0; stage < 3; ++stage) {
    const StoredCheckpoint checkpoint = store.GetCheckpoint("e2", stage).value();
    add(checkpoint.header);
    absl::StrAppend(&text, checkpoint.content);
  }
  const auto outcomes = store.ListOutcomes("e2", 1).value();
  for (const EpisodeOutcome& outcome : outcomes) {
    absl::StrAppend(&text, outcome.number, " ", outcome.steps, " ", outcome.undiscounted_return, "\n");
  }
  return text;
}

std::unique_ptr<DataDirectory> NewDirectory(const TemporaryDirectory& directory, const std::string& name) {
  return DataDirectory::Open(directory.File(name), DataDirectory::Mode::kCreate).value();
}

// A store that is filled once: that takes longer than all else.
SqlStore& Filled() {
  static const TemporaryDirectory directory;
  static const auto data = [] {
    auto made = NewDirectory(directory, "filled");
    Fill(made->store());
    return made;
  }();
  return data->store();
}

TEST(SqlCopy, ThereAndBackNothingIsLost) {
  const TemporaryDirectory directory;
  const auto there = PostgresDatabase::OpenNow(Server().NewDatabase()).value();
  const auto back = NewDirectory(directory, "back");
  ASSERT_TRUE(Filled().NextIncarnation().ok());
  ASSERT_TRUE(Filled().NextIncarnation().ok());
  const int64_t incarnation = Filled().NextIncarnation().value();
  ASSERT_EQ(Filled().CopyTo(there->store(), IgnoreProgress), absl::OkStatus());
  ASSERT_EQ(there->store().CopyTo(back->store(), IgnoreProgress), absl::OkStatus());
  const std::string expected = Dump(Filled());
  EXPECT_TRUE(Dump(there->store()) == expected);
  EXPECT_TRUE(Dump(back->store()) == expected);
  EXPECT_GT(back->store().NextIncarnation().value(), incarnation);
}

TEST(SqlCopy, TheCopyGoesOnWhereTheFirstWas) {
  const std::string url = Server().NewDatabase();
  ASSERT_EQ(Filled().CopyTo(PostgresDatabase::OpenNow(url).value()->store(), IgnoreProgress), absl::OkStatus());
  std::unique_ptr<PostgresDatabase> opened;
  // The server takes a moment to notice that the lock's session has ended.
  for (absl::StatusOr<std::unique_ptr<PostgresDatabase>> again; opened == nullptr;) {
    again = PostgresDatabase::OpenNow(url);
    if (again.ok()) opened = *std::move(again);
  }
  Store& store = opened->store();
  EXPECT_TRUE(MakeCompleteDataset(store, "new", 2, 5).ok());
  EXPECT_EQ(store.GetDataset("complete").value().episodes(), 50);
  const std::string content = "later";
  EXPECT_TRUE(store.PutCheckpoint(CheckpointHeader("e2", 1, 6, 1, content), content).ok());
  EXPECT_EQ(store.GetCheckpoint("e2", 2).value().header.iteration(), 6);
  EXPECT_EQ(store.AddPolicy(*TestSnapshot("b", 3), Stage("e1", 0)).value(), 3);
  v1::Experiment experiment;
  experiment.set_id("new");
  experiment.set_submitted_unix_ms(9);
  ASSERT_TRUE(store.PutExperiment(experiment, "").ok());
  EXPECT_EQ(AllExperiments(store).front().id(), "new");
}

TEST(SqlCopy, AStoreThatIsNotEmptyIsRefusedAndLeftAlone) {
  const TemporaryDirectory directory;
  const auto second = NewDirectory(directory, "second");
  ASSERT_TRUE(second->store().CreateDataset(NewDataset("other")).ok());
  const absl::Status status = Filled().CopyTo(second->store(), IgnoreProgress);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("it has datasets"));
  EXPECT_TRUE(AllPolicies(second->store()).empty());
}

TEST(SqlCopy, WhereItFailsHalfwayNothingIsThere) {
  const std::string url = Server().NewDatabase();
  const auto target = PostgresDatabase::OpenNow(url).value();
  Server().Sql(url, "ALTER TABLE outcomes ADD CHECK (number < 2000)");
  EXPECT_FALSE(Filled().CopyTo(target->store(), IgnoreProgress).ok());
  EXPECT_TRUE(AllExperiments(target->store()).empty());
  Server().Sql(url, "ALTER TABLE outcomes DROP CONSTRAINT outcomes_number_check");
  EXPECT_EQ(Filled().CopyTo(target->store(), IgnoreProgress), absl::OkStatus());
  EXPECT_EQ(target->store().ListOutcomes("e2", 1).value().size(), 1000);
}

}  // namespace
}  // namespace understudy::testing
