// The part of the conformance suite that is about pages of lists, and about deleting experiments and policies.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/storage/store_conformance.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/testing/listing.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Experiment Experiment(const std::string& id, v1::Status status, int64_t submitted_unix_ms,
                          int64_t finished_unix_ms = 0) {
  v1::Experiment experiment;
  experiment.set_id(id);
  experiment.set_status(status);
  experiment.set_submitted_unix_ms(submitted_unix_ms);
  experiment.set_finished_unix_ms(finished_unix_ms);
  experiment.add_stages()->set_status(status);
  return experiment;
}

std::vector<std::string> Ids(const std::vector<v1::Experiment>& experiments) {
  std::vector<std::string> ids;
  for (const v1::Experiment& experiment : experiments) ids.push_back(experiment.id());
  return ids;
}

void Put(Store& store, const v1::Experiment& experiment) { ASSERT_TRUE(store.PutExperiment(experiment, "").ok()); }

v1::StageProgress Metrics(int64_t iteration) {
  v1::StageProgress metrics;
  metrics.set_iteration(iteration);
  return metrics;
}

int64_t AddPolicy(Store& store, const std::string& name, int content) {
  return store.AddPolicy(*TestSnapshot(name, content), {}).value();
}

std::vector<std::string> Versions(Store& store) {
  std::vector<std::string> versions;
  for (const v1::StoredPolicy& policy : AllPolicies(store)) {
    versions.push_back(absl::StrCat(policy.header().name(), "@", policy.header().version()));
  }
  return versions;
}

TEST_P(StoreConformance, APageOfExperimentsGoesOnWhereTheOneBeforeEndedWhateverComesAndGoes) {
  // All of the same millisecond: later ones are newer.
  for (const char* id : {"a", "b", "c", "d", "e"}) Put(store(), Experiment(id, v1::STATUS_FAILED, 1000, 2000));
  const auto first = store().ListExperiments({}, {.size = 2}).value();
  EXPECT_THAT(Ids(first.items), ElementsAre("e", "d"));
  Put(store(), Experiment("f", v1::STATUS_FAILED, 1000, 2000));
  Put(store(), Experiment("g", v1::STATUS_FAILED, 500, 2000));
  ASSERT_TRUE(store().DeleteExperiments({"d", "b"}).ok());
  Reopen();
  const auto second = store().ListExperiments({}, {.size = 2, .token = first.next_token}).value();
  EXPECT_THAT(Ids(second.items), ElementsAre("c", "a"));
  const auto third = store().ListExperiments({}, {.size = 2, .token = second.next_token}).value();
  EXPECT_THAT(Ids(third.items), ElementsAre("g"));
  EXPECT_EQ(third.next_token, "");
}

TEST_P(StoreConformance, TheLastPageSaysSoEvenWhereItIsFull) {
  for (const char* id : {"a", "b"}) Put(store(), Experiment(id, v1::STATUS_FAILED, 1000, 2000));
  EXPECT_EQ(store().ListExperiments({}, {.size = 2}).value().next_token, "");
}

TEST_P(StoreConformance, ExperimentsAreFilteredByWhetherAndWhenTheyFinished) {
  Put(store(), Experiment("running", v1::STATUS_RUNNING, 1));
  Put(store(), Experiment("pending", v1::STATUS_PENDING, 2));
  Put(store(), Experiment("paused", v1::STATUS_PAUSED, 3));
  Put(store(), Experiment("old", v1::STATUS_SUCCEEDED, 4, 1000));
  Put(store(), Experiment("older", v1::STATUS_CANCELLED, 5, 900));
  Put(store(), Experiment("new", v1::STATUS_FAILED, 6, 1001));
  EXPECT_THAT(Ids(AllExperiments(store(), {.unfinished = true})), ElementsAre("paused", "pending", "running"));
  EXPECT_THAT(Ids(AllExperiments(store(), {.finished_before_unix_ms = 1000})), ElementsAre("older", "old"));
  // One that is resumed, and one that finishes.
  Put(store(), Experiment("old", v1::STATUS_RUNNING, 4));
  Put(store(), Experiment("running", v1::STATUS_SUCCEEDED, 1, 1000));
  EXPECT_THAT(Ids(AllExperiments(store(), {.unfinished = true})), ElementsAre("old", "paused", "pending"));
  EXPECT_THAT(Ids(AllExperiments(store(), {.finished_before_unix_ms = 1000})), ElementsAre("older", "running"));
}

TEST_P(StoreConformance, MetricsComeInPagesAndTheLatestByThemselves) {
  EXPECT_EQ(store().LatestMetrics("e1", 0).value(), std::nullopt);
  for (const int64_t iteration : {3, 1, 2, 10}) ASSERT_TRUE(store().PutMetrics("e1", 0, Metrics(iteration)).ok());
  ASSERT_TRUE(store().PutMetrics("e1", 1, Metrics(11)).ok());
  const auto first = store().ListMetrics("e1", 0, {.size = 3}).value();
  ASSERT_THAT(first.items, SizeIs(3));
  EXPECT_EQ(first.items.back().iteration(), 3);
  const auto second = store().ListMetrics("e1", 0, {.size = 3, .token = first.next_token}).value();
  ASSERT_THAT(second.items, SizeIs(1));
  EXPECT_EQ(second.items.front().iteration(), 10);
  EXPECT_EQ(second.next_token, "");
  EXPECT_EQ(store().LatestMetrics("e1", 0).value()->iteration(), 10);
}

TEST_P(StoreConformance, APageIsNoLongerThanItsBytesAllow) {
  v1::Experiment experiment = Experiment("", v1::STATUS_FAILED, 1000, 2000);
  experiment.set_error(std::string(300 << 10, 'x'));
  for (int i = 0; i < 10; ++i) {
    experiment.set_id(absl::StrCat("e", i));
    Put(store(), experiment);
  }
  EXPECT_THAT(store().ListExperiments({}, {.size = 10}).value().items, SizeIs(4));
  EXPECT_THAT(AllExperiments(store()), SizeIs(10));
}

TEST_P(StoreConformance, PoliciesAndDatasetsComeInPages) {
  for (const int content : {1, 2, 3}) AddPolicy(store(), "b", content);
  AddPolicy(store(), "a", 1);
  for (const char* name : {"x", "y", "z"}) ASSERT_TRUE(store().CreateDataset(NewDataset(name)).ok());
  const auto policies = store().ListPolicies({.size = 2}).value();
  ASSERT_THAT(policies.items, SizeIs(2));
  AddPolicy(store(), "a", 2);  // before the end of the page
  const auto more = store().ListPolicies({.size = 2, .token = policies.next_token}).value();
  ASSERT_THAT(more.items, SizeIs(2));
  EXPECT_EQ(more.items.front().header().name(), "b");
  EXPECT_EQ(more.items.front().header().version(), 2);
  EXPECT_EQ(more.next_token, "");
  const auto datasets = store().ListDatasets({.size = 2}).value();
  ASSERT_TRUE(store().DeleteDataset("y").ok());
  const auto last = store().ListDatasets({.size = 2, .token = datasets.next_token}).value();
  ASSERT_THAT(last.items, SizeIs(1));
  EXPECT_EQ(last.items.front().name(), "z");
}

TEST_P(StoreConformance, WhatIsNoPageOfAListIsRefused) {
  for (int i = 0; i < 3; ++i) AddPolicy(store(), "expert", i);
  const std::string token = store().ListPolicies({.size = 1}).value().next_token;
  for (const absl::Status& status :
       {store().ListExperiments({}, {.token = token}).status(), store().ListDatasets({.token = token}).status(),
        store().ListMetrics("e1", 0, {.token = token}).status(), store().ListPolicies({.token = "rubbish"}).status(),
        store().ListPolicies({.token = std::string(1 << 20, 'A')}).status(),
        store().ListPolicies({.token = MakePageToken("policies", {std::string("\0\xff", 2), "1"})}).status(),
        store().ListPolicies({.token = token + token}).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("page_token"));
  }
  EXPECT_EQ(store().ListPolicies({.size = -1}).status().code(), absl::StatusCode::kInvalidArgument);
  // One that somebody has made up finds something or nothing, and does no harm.
  EXPECT_TRUE(store().ListPolicies({.token = MakePageToken("policies", {"expert", "many"})}).ok());
  EXPECT_TRUE(store().ListExperiments({}, {.token = MakePageToken("experiments", {"x", "-9e99"})}).ok());
}

TEST_P(StoreConformance, ADeletedExperimentTakesWithItWhatIsItsOwn) {
  for (const char* id : {"e1", "e2"}) {
    Put(store(), Experiment(id, v1::STATUS_CANCELLED, 1000, 2000));
    ASSERT_TRUE(store().PutMetrics(id, 0, Metrics(1)).ok());
    ASSERT_TRUE(store().PutMetrics(id, 3, Metrics(1)).ok());
    ASSERT_TRUE(store().AppendOutcomes(id, 1, {{.number = 1}}).ok());
    ASSERT_TRUE(store().PutCheckpoint(CheckpointHeader(id, 0, 1, 1, "content"), "content").ok());
  }
  ASSERT_TRUE(store().DeleteExperiments({"e1"}).ok());
  Reopen();
  EXPECT_THAT(Ids(AllExperiments(store())), ElementsAre("e2"));
  EXPECT_EQ(store().GetExperiment("e1").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(AllMetrics(store(), "e1", 0), IsEmpty());
  EXPECT_THAT(AllMetrics(store(), "e1", 3), IsEmpty());
  EXPECT_THAT(store().ListOutcomes("e1", 1).value(), IsEmpty());
  EXPECT_EQ(store().GetCheckpoint("e1", 0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(AllMetrics(store(), "e2", 3), SizeIs(1));
  EXPECT_THAT(store().ListOutcomes("e2", 1).value(), SizeIs(1));
  EXPECT_EQ(store().GetCheckpoint("e2", 0).value().content, "content");
}

TEST_P(StoreConformance, WhereOneExperimentMayNotBeDeletedNoneIs) {
  Put(store(), Experiment("finished", v1::STATUS_SUCCEEDED, 1000, 2000));
  Put(store(), Experiment("paused", v1::STATUS_PAUSED, 1000));
  const absl::Status unfinished = store().DeleteExperiments({"finished", "paused"});
  EXPECT_EQ(unfinished.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(unfinished.message()), HasSubstr("paused"));
  const absl::Status missing = store().DeleteExperiments({"finished", "nowhere"});
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("nowhere"));
  EXPECT_THAT(AllExperiments(store()), SizeIs(2));
}

TEST_P(StoreConformance, TheNumberOfADeletedPolicyIsNotUsedAgain) {
  for (const int content : {1, 2, 3}) AddPolicy(store(), "expert", content);
  AddPolicy(store(), "clone", 1);
  EXPECT_EQ(store().DeletePolicy("expert", 3).value(), 1);
  EXPECT_EQ(store().GetPolicy("expert", 0).value().header().version(), 2);
  Reopen();
  EXPECT_EQ(AddPolicy(store(), "expert", 4), 4);
  EXPECT_EQ(store().DeletePolicy("expert", 1).value(), 1);
  EXPECT_THAT(Versions(store()), ElementsAre("clone@1", "expert@2", "expert@4"));
  EXPECT_EQ(store().DeletePolicy("expert", 0).value(), 2);
  EXPECT_THAT(Versions(store()), ElementsAre("clone@1"));
  EXPECT_EQ(AddPolicy(store(), "expert", 5), 5);
}

TEST_P(StoreConformance, DeletingAPolicyThatIsNotThereNamesIt) {
  AddPolicy(store(), "expert", 1);
  for (const absl::Status& status :
       {store().DeletePolicy("nobody", 0).status(), store().DeletePolicy("expert", 2).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  }
  EXPECT_EQ(AddPolicy(store(), "nobody", 1), 1);
}

}  // namespace
}  // namespace understudy::testing
