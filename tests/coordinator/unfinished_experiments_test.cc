#include "coordinator/unfinished_experiments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "coordinator/storage/data_directory.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/trajectory_batches.h"
#include "tests/testing/unreachable_store.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kNow = absl::UnixEpoch();
const absl::Time kLater = kNow + absl::Seconds(1);

// Over a store that has a policy, and no actors: what is submitted runs until it is cancelled.
class TestExperiments {
 public:
  TestExperiments() : data_(DataDirectory::Open(directory_.File("data"), DataDirectory::Mode::kCreate).value()) {
    EXPECT_TRUE(data_->store().AddPolicy(*testing::TestSnapshot("expert", 1), {}).ok());
  }

  UnfinishedExperiments& experiments() { return experiments_; }
  testing::UnreachableStore& store() { return store_; }

  absl::StatusOr<std::string> Submit(const std::string& token = "") {
    v1::SubmitRequest request;
    request.set_token(token);
    request.mutable_spec()->set_name("test");
    request.mutable_spec()->set_environment("CartPole-v1");
    v1::EvaluateStage& evaluate = *request.mutable_spec()->add_stages()->mutable_evaluate();
    evaluate.set_policy("expert");
    evaluate.set_episodes(4);
    return experiments_.Submit(request, kNow);
  }

  v1::Status StoredStatus(const std::string& id) { return data_->store().GetExperiment(id).value().status(); }

 private:
  testing::TemporaryDirectory directory_;
  std::unique_ptr<DataDirectory> data_;
  testing::UnreachableStore store_{data_->store()};
  Workforce workforce_{1};
  UnfinishedExperiments experiments_{store_, workforce_, [](const auto&, auto, auto) {}};
};

TEST(UnfinishedExperiments, WhatIsSubmittedIsStoredAndRunsAndItsTokenGivesItAgain) {
  TestExperiments test;
  const absl::StatusOr<std::string> id = test.Submit("token");
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(test.StoredStatus(*id), v1::STATUS_RUNNING);
  ASSERT_NE(test.experiments().Find(*id), nullptr);
  EXPECT_EQ(test.Submit("token"), id);
  EXPECT_NE(test.Submit("another"), id);
}

TEST(UnfinishedExperiments, OneThatTheStoreHasNotTakenIsSettledAgainASecondLater) {
  TestExperiments test;
  const std::string id = test.Submit().value();
  test.store().away = true;
  test.experiments().Find(id)->Cancel(kNow);
  EXPECT_TRUE(absl::IsUnavailable(test.experiments().Settle(kNow)));
  EXPECT_TRUE(absl::IsUnavailable(test.experiments().SavedStatus(id)));
  EXPECT_EQ(test.experiments().next_due(), kLater);
  EXPECT_EQ(test.StoredStatus(id), v1::STATUS_RUNNING);

  test.store().away = false;
  test.experiments().RunDue(kLater);
  EXPECT_EQ(test.experiments().Settle(kLater), absl::OkStatus());
  EXPECT_EQ(test.experiments().SavedStatus(id), absl::OkStatus());
  EXPECT_EQ(test.experiments().next_due(), absl::InfiniteFuture());
  EXPECT_EQ(test.StoredStatus(id), v1::STATUS_CANCELLED);
}

TEST(UnfinishedExperiments, OneThatHasFinishedIsForgottenAndCounted) {
  TestExperiments test;
  const std::string id = test.Submit().value();
  test.experiments().Find(id)->Cancel(kNow);
  EXPECT_EQ(test.experiments().Settle(kNow), absl::OkStatus());
  EXPECT_EQ(test.experiments().Find(id), nullptr);
  EXPECT_EQ(test.experiments().Get(id).value().status(), v1::STATUS_CANCELLED);
  CoordinatorStatus seen;
  test.experiments().Observe(seen);
  EXPECT_TRUE(seen.unfinished.empty());
  EXPECT_EQ(seen.finished[v1::STATUS_CANCELLED], 1);
}

TEST(UnfinishedExperiments, OneWhoseEndTheStoreHasNotTakenIsResumedOnceItHas) {
  TestExperiments test;
  const std::string id = test.Submit().value();
  test.store().away = true;
  test.experiments().Find(id)->Cancel(kNow);
  EXPECT_TRUE(absl::IsUnavailable(test.experiments().Settle(kNow)));
  EXPECT_TRUE(absl::IsUnavailable(test.experiments().Resume(id, kNow)));
  test.store().away = false;
  EXPECT_EQ(test.experiments().Resume(id, kLater), absl::OkStatus());
  EXPECT_EQ(test.experiments().Settle(kLater), absl::OkStatus());
  EXPECT_EQ(test.experiments().SavedStatus(id), absl::OkStatus());
  EXPECT_EQ(test.StoredStatus(id), v1::STATUS_RUNNING);
}

TEST(UnfinishedExperiments, AnExperimentThatIsPausedIsLeftAloneUntilItIsResumed) {
  TestExperiments test;
  const std::string id = test.Submit().value();
  test.experiments().Find(id)->Pause(kNow);
  EXPECT_EQ(test.experiments().Settle(kNow), absl::OkStatus());
  EXPECT_EQ(test.experiments().Find(id), nullptr);
  EXPECT_EQ(test.StoredStatus(id), v1::STATUS_PAUSED);
  CoordinatorStatus seen;
  test.experiments().Observe(seen);
  EXPECT_TRUE(seen.unfinished.empty());
  EXPECT_TRUE(seen.finished.empty());
  EXPECT_EQ(seen.paused, 1u);

  Workforce workforce(2);
  UnfinishedExperiments later(test.store(), workforce, [](const auto&, auto, auto) {});
  ASSERT_EQ(later.Recover(kLater), absl::OkStatus());
  EXPECT_EQ(later.Find(id), nullptr);
  later.Observe(seen);
  EXPECT_EQ(seen.paused, 1u);
  ASSERT_EQ(later.Resume(id, kLater), absl::OkStatus());
  EXPECT_EQ(later.Settle(kLater), absl::OkStatus());
  EXPECT_NE(later.Find(id), nullptr);
  EXPECT_EQ(test.StoredStatus(id), v1::STATUS_RUNNING);
  later.Observe(seen);
  EXPECT_EQ(seen.paused, 0u);
}

TEST(UnfinishedExperiments, APausedOneCanBeCancelled) {
  TestExperiments test;
  const std::string id = test.Submit().value();
  test.experiments().Find(id)->Pause(kNow);
  EXPECT_EQ(test.experiments().Settle(kNow), absl::OkStatus());
  test.store().away = true;
  EXPECT_TRUE(absl::IsUnavailable(test.experiments().Cancel(id, kLater)));
  test.store().away = false;
  EXPECT_EQ(test.experiments().Cancel(id, kLater), absl::OkStatus());
  EXPECT_EQ(test.StoredStatus(id), v1::STATUS_CANCELLED);
  CoordinatorStatus seen;
  test.experiments().Observe(seen);
  EXPECT_EQ(seen.paused, 0u);
  EXPECT_EQ(seen.finished[v1::STATUS_CANCELLED], 1);
  EXPECT_TRUE(absl::IsNotFound(test.experiments().Cancel("no-such", kLater)));
}

TEST(UnfinishedExperiments, ThoseThatHadNotFinishedArePausedWhereThatIsAskedFor) {
  TestExperiments test;
  const std::string ended = test.Submit().value();
  const std::string running = test.Submit().value();
  test.experiments().Find(ended)->Cancel(kNow);
  EXPECT_EQ(test.experiments().Settle(kNow), absl::OkStatus());

  Workforce workforce(2);
  UnfinishedExperiments later(test.store(), workforce, [](const auto&, auto, auto) {});
  ASSERT_EQ(later.PauseAll(), absl::OkStatus());
  EXPECT_EQ(later.Find(running), nullptr);
  EXPECT_EQ(test.StoredStatus(running), v1::STATUS_PAUSED);
  EXPECT_EQ(test.StoredStatus(ended), v1::STATUS_CANCELLED);
  CoordinatorStatus seen;
  later.Observe(seen);
  EXPECT_EQ(seen.paused, 1u);
  test.store().away = true;
  EXPECT_TRUE(absl::IsUnavailable(later.PauseAll()));
}

TEST(UnfinishedExperiments, WhatCannotBeStoredIsNotTaken) {
  TestExperiments test;
  test.store().away = true;
  EXPECT_TRUE(absl::IsUnavailable(test.Submit().status()));
  CoordinatorStatus seen;
  test.experiments().Observe(seen);
  EXPECT_TRUE(seen.unfinished.empty());
}

TEST(UnfinishedExperiments, ThoseThatHadNotFinishedGoOn) {
  TestExperiments test;
  const std::string ended = test.Submit().value();
  const std::string first = test.Submit().value();
  const std::string second = test.Submit().value();
  test.experiments().Find(ended)->Cancel(kNow);
  EXPECT_EQ(test.experiments().Settle(kNow), absl::OkStatus());

  Workforce workforce(2);
  UnfinishedExperiments later(test.store(), workforce, [](const auto&, auto, auto) {});
  ASSERT_EQ(later.Recover(kLater), absl::OkStatus());
  EXPECT_EQ(later.Find(ended), nullptr);
  EXPECT_NE(later.Find(first), nullptr);
  EXPECT_NE(later.Find(second), nullptr);
  EXPECT_EQ(later.Get(ended).value().status(), v1::STATUS_CANCELLED);
  EXPECT_TRUE(absl::IsNotFound(later.Get("no-such").status()));
  test.store().away = true;
  EXPECT_TRUE(absl::IsUnavailable(later.Recover(kLater)));
}

absl::Time At(int seconds) { return absl::FromUnixSeconds(seconds); }

TEST(DueTimes, GivesThoseWhoseTimeHasComeOnceAndEarliestFirst) {
  DueTimes times;
  times.Set("late", At(3));
  times.Set("b", At(2));
  times.Set("a", At(1));
  EXPECT_EQ(times.next(), At(1));
  EXPECT_THAT(times.TakeDue(At(0)), IsEmpty());
  EXPECT_THAT(times.TakeDue(At(2)), ElementsAre("a", "b"));
  EXPECT_THAT(times.TakeDue(At(2)), IsEmpty());
  EXPECT_EQ(times.next(), At(3));
}

TEST(DueTimes, TheLatestTimeOfAnIdCounts) {
  DueTimes times;
  times.Set("a", At(1));
  times.Set("a", At(5));
  EXPECT_THAT(times.TakeDue(At(4)), IsEmpty());
  times.Set("a", At(2));
  EXPECT_THAT(times.TakeDue(At(4)), ElementsAre("a"));
  times.Set("a", At(6));
  times.Set("a", absl::InfiniteFuture());
  EXPECT_EQ(times.next(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace understudy
