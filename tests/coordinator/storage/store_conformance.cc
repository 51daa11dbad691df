#include "tests/coordinator/storage/store_conformance.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/listing.h"
#include "tests/testing/trajectory_batches.h"

// Counters, experiments, metrics and policies; the rest is in checkpoint_conformance.cc and dataset_conformance.cc.
namespace understudy::testing {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Experiment Experiment(const std::string& id, int64_t submitted_unix_ms) {
  v1::Experiment experiment;
  experiment.set_id(id);
  experiment.set_submitted_unix_ms(submitted_unix_ms);
  experiment.mutable_spec()->set_name("cartpole");
  experiment.set_status(v1::STATUS_RUNNING);
  experiment.add_stages()->set_kind("train");
  return experiment;
}

v1::StageProgress Metrics(int64_t iteration, double entropy) {
  v1::StageProgress metrics;
  metrics.set_iteration(iteration);
  (*metrics.mutable_metrics())["entropy"] = entropy;
  return metrics;
}

v1::StageKey Origin(const std::string& experiment, int stage) {
  v1::StageKey origin;
  origin.set_experiment_id(experiment);
  origin.set_stage(stage);
  return origin;
}

std::vector<std::string> Ids(const std::vector<v1::Experiment>& experiments) {
  std::vector<std::string> ids;
  for (const v1::Experiment& experiment : experiments) ids.push_back(experiment.id());
  return ids;
}

TEST_P(StoreConformance, IncarnationsGrowAlsoAcrossReopening) {
  const int64_t first = store().NextIncarnation().value();
  const int64_t second = store().NextIncarnation().value();
  Reopen();
  const int64_t third = store().NextIncarnation().value();
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST_P(StoreConformance, AnExperimentIsFoundAsItWasPut) {
  const v1::Experiment experiment = Experiment("e1", 1000);
  ASSERT_TRUE(store().PutExperiment(experiment, "token-1").ok());
  Reopen();
  EXPECT_TRUE(MessageDifferencer::Equals(store().GetExperiment("e1").value(), experiment));
}

TEST_P(StoreConformance, PuttingAnExperimentAgainReplacesItAndKeepsItsToken) {
  v1::Experiment experiment = Experiment("e1", 1000);
  ASSERT_TRUE(store().PutExperiment(experiment, "token-1").ok());
  experiment.set_status(v1::STATUS_SUCCEEDED);
  ASSERT_TRUE(store().PutExperiment(experiment, "token-1").ok());
  ASSERT_TRUE(store().PutExperiment(experiment, "").ok());
  EXPECT_EQ(store().GetExperiment("e1").value().status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(store().FindExperimentByToken("token-1").value(), "e1");
  EXPECT_THAT(AllExperiments(store()), SizeIs(1));
}

TEST_P(StoreConformance, AMissingExperimentIsNamed) {
  const absl::Status status = store().GetExperiment("nowhere").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nowhere"));
}

TEST_P(StoreConformance, ExperimentsAreListedNewestFirst) {
  EXPECT_THAT(AllExperiments(store()), IsEmpty());
  ASSERT_TRUE(store().PutExperiment(Experiment("middle", 2000), "").ok());
  ASSERT_TRUE(store().PutExperiment(Experiment("newest", 3000), "").ok());
  ASSERT_TRUE(store().PutExperiment(Experiment("oldest", 1000), "").ok());
  // Being replaced does not make it newer.
  ASSERT_TRUE(store().PutExperiment(Experiment("middle", 2000), "").ok());
  EXPECT_THAT(Ids(AllExperiments(store())), ElementsAre("newest", "middle", "oldest"));
}

TEST_P(StoreConformance, ATokenFindsItsExperimentOnly) {
  ASSERT_TRUE(store().PutExperiment(Experiment("e1", 1000), "token-1").ok());
  ASSERT_TRUE(store().PutExperiment(Experiment("e2", 1000), "").ok());
  ASSERT_TRUE(store().PutExperiment(Experiment("e3", 1000), "").ok());
  Reopen();
  EXPECT_EQ(store().FindExperimentByToken("token-1").value(), "e1");
  EXPECT_EQ(store().FindExperimentByToken("token-2").value(), "");
}

TEST_P(StoreConformance, ATokenOfAnotherExperimentIsRefused) {
  ASSERT_TRUE(store().PutExperiment(Experiment("e1", 1000), "token-1").ok());
  EXPECT_EQ(store().PutExperiment(Experiment("e2", 1000), "token-1").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Ids(AllExperiments(store())), ElementsAre("e1"));
}

TEST_P(StoreConformance, MetricsAreReplacedByIterationAndListedInOrder) {
  ASSERT_TRUE(store().PutMetrics("e1", 0, Metrics(10, 0.1)).ok());
  ASSERT_TRUE(store().PutMetrics("e1", 0, Metrics(9, 0.2)).ok());
  ASSERT_TRUE(store().PutMetrics("e1", 0, Metrics(10, 0.3)).ok());
  ASSERT_TRUE(store().PutMetrics("e1", 1, Metrics(1, 0.4)).ok());
  ASSERT_TRUE(store().PutMetrics("e2", 0, Metrics(1, 0.5)).ok());
  Reopen();
  const std::vector<v1::StageProgress> metrics = AllMetrics(store(), "e1", 0);
  ASSERT_THAT(metrics, SizeIs(2));
  EXPECT_EQ(metrics[0].iteration(), 9);
  EXPECT_EQ(metrics[0].metrics().at("entropy"), 0.2);
  EXPECT_EQ(metrics[1].iteration(), 10);
  EXPECT_EQ(metrics[1].metrics().at("entropy"), 0.3);
  EXPECT_THAT(AllMetrics(store(), "e3", 0), IsEmpty());
}

TEST_P(StoreConformance, PolicyVersionsAreNumberedByNameWhateverTheHeaderSays) {
  EXPECT_EQ(store().AddPolicy(*TestSnapshot("expert", 17), Origin("e1", 0)).value(), 1);
  EXPECT_EQ(store().AddPolicy(*TestSnapshot("expert", 3), Origin("e1", 0)).value(), 2);
  EXPECT_EQ(store().AddPolicy(*TestSnapshot("clone", 99), Origin("e1", 2)).value(), 1);
}

TEST_P(StoreConformance, AddingTheLatestContentAgainStoresNothing) {
  const auto one = TestSnapshot("expert", 1);
  const auto other = TestSnapshot("expert", 2);
  EXPECT_EQ(store().AddPolicy(*one, Origin("e1", 0)).value(), 1);
  EXPECT_EQ(store().AddPolicy(*one, Origin("e2", 0)).value(), 1);
  EXPECT_EQ(store().AddPolicy(*other, Origin("e2", 0)).value(), 2);
  // Only the latest counts: going back to earlier content is a new version.
  EXPECT_EQ(store().AddPolicy(*one, Origin("e3", 0)).value(), 3);
  EXPECT_THAT(AllPolicies(store()), SizeIs(3));
  EXPECT_EQ(store().GetPolicy("expert", 1).value().experiment_id(), "e1");
}

TEST_P(StoreConformance, APolicyIsLoadedAsItWasAddedUnderItsNewNumber) {
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", 5), Origin("e1", 0)).ok());
  const auto added = TestSnapshot("expert", 6);
  ASSERT_EQ(store().AddPolicy(*added, Origin("e1", 3)).value(), 2);
  Reopen();
  const auto loaded = store().LoadPolicy("expert", 2).value();
  EXPECT_EQ(loaded->parameters, added->parameters);
  EXPECT_EQ(loaded->checksum, added->checksum);
  v1::PolicyHeader expected = added->header;
  expected.set_version(2);
  expected.set_digest(added->Digest());
  EXPECT_TRUE(MessageDifferencer::Equals(loaded->header, expected));
  const v1::StoredPolicy stored = store().GetPolicy("expert", 2).value();
  EXPECT_TRUE(MessageDifferencer::Equals(stored.header(), expected));
  EXPECT_EQ(stored.experiment_id(), "e1");
  EXPECT_EQ(stored.stage(), 3);
  EXPECT_GT(stored.created_unix_ms(), 0);
}

TEST_P(StoreConformance, VersionZeroIsTheLatestPolicy) {
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", i), Origin("e1", 0)).ok());
  EXPECT_EQ(store().GetPolicy("expert", 0).value().header().version(), 11);
  EXPECT_EQ(store().LoadPolicy("expert", 0).value()->header.version(), 11);
}

TEST_P(StoreConformance, AMissingPolicyIsNamedWithTheVersionsThatThereAre) {
  absl::Status status = store().GetPolicy("nobody", 0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nobody"));
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", 1), Origin("e1", 0)).ok());
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", 2), Origin("e1", 0)).ok());
  status = store().LoadPolicy("expert", 7).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("expert"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("7"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("1 to 2"));
}

TEST_P(StoreConformance, PoliciesAreListedByNameThenVersion) {
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", 1), Origin("e1", 0)).ok());
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", 2), Origin("e1", 0)).ok());
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("clone", 1), Origin("e1", 1)).ok());
  const std::vector<v1::StoredPolicy> policies = AllPolicies(store());
  std::vector<std::string> listed;
  for (const v1::StoredPolicy& policy : policies) {
    listed.push_back(policy.header().name() + "@" + std::to_string(policy.header().version()));
  }
  EXPECT_THAT(listed, ElementsAre("clone@1", "expert@1", "expert@2"));
}

TEST_P(StoreConformance, PoliciesAddedAtOnceGetDifferentNumbers) {
  constexpr int kThreads = 4;
  std::vector<int64_t> versions(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      versions[static_cast<size_t>(i)] = store().AddPolicy(*TestSnapshot("expert", i), Origin("e1", 0)).value_or(-1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(versions.begin(), versions.end());
  EXPECT_THAT(versions, ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace understudy::testing
