#include "cli/persistent_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/cli/fake_coordinator.h"
#include "tests/cli/test_experiment.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kForEver = 1'000'000;

// A client of a fake coordinator, and what it logs.
struct Case {
  Case(std::vector<v1::Experiment> states, PersistentClientOptions options) : coordinator(std::move(states)) {
    connection = Connection::At(coordinator.address());
    options.log = [this](std::string_view line) { logged.emplace_back(line); };
    client.emplace(*connection, std::move(options));
  }
  absl::StatusOr<v1::Experiment> Watch() {
    return client->Watch("e1", [this](const v1::Experiment& experiment) { seen.push_back(experiment.status()); });
  }
  absl::StatusOr<v1::ListExperimentsResponse> List() {
    return client->Call(&v1::Experiments::Stub::List, &Connection::experiments, v1::ListExperimentsRequest());
  }
  std::string Peer() const { return "coordinator at " + coordinator.address(); }

  FakeCoordinator coordinator;
  std::unique_ptr<Connection> connection;
  std::vector<std::string> logged;
  std::vector<v1::Status> seen;
  std::optional<PersistentClient> client;
};

TEST(PersistentClient, SaysNothingWhileTheCoordinatorIsThere) {
  Case test({RunningExperiment(), SucceededExperiment()}, {});
  EXPECT_TRUE(test.List().ok());
  EXPECT_TRUE(test.Watch().ok());
  EXPECT_THAT(test.logged, IsEmpty());
}

TEST(PersistentClient, MakesACallAgainUntilItIsAnsweredAndSaysSoOnce) {
  Case test({RunningExperiment()}, {});
  test.coordinator.Fail(3);
  EXPECT_THAT(test.List()->experiments(), SizeIs(1));
  EXPECT_THAT(test.logged, ElementsAre("understudy: warning: the connection is lost: " + test.Peer() +
                                           ": Socket closed; trying again",
                                       "understudy: connected again"));
}

TEST(PersistentClient, WatchesAgainWhereAStreamBreaks) {
  Case test({RunningExperiment(), SucceededExperiment()}, {});
  test.coordinator.Fail(2);
  const auto last = test.Watch();
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->status(), v1::STATUS_SUCCEEDED);
  // One state of each stream that broke, and all of the third.
  EXPECT_THAT(test.seen, ElementsAre(v1::STATUS_RUNNING, v1::STATUS_RUNNING, v1::STATUS_RUNNING, v1::STATUS_SUCCEEDED));
}

TEST(PersistentClient, TakesARefusalForFinal) {
  Case test({RunningExperiment()}, {});
  const auto last = test.client->Watch("e2", [](const v1::Experiment&) {});
  EXPECT_EQ(last.status(), absl::NotFoundError("no experiment e2"));
  EXPECT_THAT(test.logged, IsEmpty());
}

TEST(PersistentClient, GivesUpAfterItsPatienceAndSaysWhatToDo) {
  Case test({RunningExperiment()}, {.log = {}, .patience = absl::Milliseconds(50)});
  test.coordinator.Fail(kForEver);
  const absl::Status status = test.List().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(test.Peer() + ": Socket closed; tried again for "),
                    ContainsRegex("for [0-9]+\\.[0-9]+ s: start the coordinator again")));
}

TEST(PersistentClient, SaysAgainThatTheCoordinatorIsStillAway) {
  Case test({RunningExperiment()}, {.log = {}, .reminder = absl::Milliseconds(1)});
  test.coordinator.Fail(2);
  EXPECT_TRUE(test.List().ok());
  ASSERT_EQ(test.logged.size(), 3u);
  EXPECT_THAT(test.logged[0], HasSubstr("the connection is lost"));
  EXPECT_THAT(test.logged[1], ContainsRegex("understudy: warning: no connection for [0-9]+\\.[0-9]+ s: "));
}

TEST(PersistentClient, TakesADeadlineThatPassesForAbsence) {
  Case test({RunningExperiment(), SucceededExperiment()},
            {.log = {}, .call_timeout = absl::Seconds(-1), .patience = absl::ZeroDuration()});
  EXPECT_EQ(test.List().status().code(), absl::StatusCode::kUnavailable);
}

TEST(PersistentClient, EndsWhatIsUnderWayWhenCancelled) {
  Case test({RunningExperiment(), SucceededExperiment()}, {});
  test.coordinator.Hold();
  const auto cancel = [&test](const v1::Experiment&) { test.client->Cancel(); };
  EXPECT_EQ(test.client->Watch("e1", cancel).status(), absl::CancelledError("interrupted"));
  EXPECT_EQ(test.List().status(), absl::CancelledError("interrupted"));
  test.coordinator.Release();
}

TEST(PersistentClient, EndsItsWaitForTheCoordinatorWhenCancelled) {
  Case test({RunningExperiment()}, {});
  test.coordinator.Fail(kForEver);
  std::thread canceller([&test] { test.client->Cancel(); });
  EXPECT_EQ(test.List().status(), absl::CancelledError("interrupted"));
  canceller.join();
}

}  // namespace
}  // namespace understudy
