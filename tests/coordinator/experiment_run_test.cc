#include "coordinator/experiment_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "coordinator/storage/data_directory.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/trajectory_batches.h"
#include "tests/testing/unreachable_store.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using testing::FakeActorLink;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Time kNow = absl::UnixEpoch();
const absl::Time kLater = kNow + absl::Seconds(1);
constexpr int64_t kEpisodes = 4;

// An experiment that collects some episodes of a policy that there is, and its store.
class Collecting {
 public:
  Collecting() : data_(DataDirectory::Open(directory_.File("data"), DataDirectory::Mode::kCreate).value()) {
    EXPECT_TRUE(data_->store().AddPolicy(*testing::TestSnapshot("expert", 1), {}).ok());
    v1::ExperimentSpec spec;
    spec.set_name("test");
    spec.set_environment("CartPole-v1");
    v1::CollectStage& collect = *spec.add_stages()->mutable_collect();
    collect.set_policy("expert");
    collect.set_dataset("demos");
    collect.set_episodes(kEpisodes);
    collect.set_actions("sample");
    run_ = std::make_unique<ExperimentRun>(
        NewExperiment("test-1", std::move(spec), {PolicyReference{.name = "expert", .version = 1}}, kNow), "",
        context_);
  }

  ExperimentRun& run() { return *run_; }
  testing::UnreachableStore& store() { return store_; }

  size_t collecting() const { return context_.collecting.size(); }

  // As the control thread does at that time.
  void RunDue(absl::Time now) {
    run_->RunDue(now);
    workforce_.Plan(now);
    EXPECT_TRUE(run_->Settle().ok());
  }

  // An actor collects all of it, and what it brought is saved.
  void Collect(absl::Time now) {
    v1::StageKey stage;
    stage.set_experiment_id("test-1");
    stage.set_epoch(workforce_.StageEpoch({.experiment = "test-1", .stage = 0}));
    const auto actor = std::make_shared<FakeActorLink>("actor", stage);
    ASSERT_EQ(run_->Connect(actor, now), absl::OkStatus());
    for (const v1::RolloutRequest& request : actor->Requests()) {
      std::vector<int64_t> numbers(request.episodes().end() - request.episodes().begin());
      std::iota(numbers.begin(), numbers.end(), request.episodes().begin());
      auto message = std::make_shared<v1::ActorMessage>();
      message->mutable_result()->set_request_id(request.id());
      message->mutable_result()->set_last(true);
      *message->mutable_result()->mutable_batch() = testing::EpisodeBatch(numbers, 10);
      run_->Receive(*actor, message, now);
    }
  }

  // Called with what is to be saved, in the place of the writers.
  std::function<absl::Status(const std::function<absl::Status()>&)> save =
      [](const std::function<absl::Status()>& write) { return write(); };

 private:
  testing::TemporaryDirectory directory_;
  std::unique_ptr<DataDirectory> data_;
  testing::UnreachableStore store_{data_->store()};
  Workforce workforce_{1};
  RunContext context_{.store = store_,
                      .workforce = workforce_,
                      .write_behind = [this](const auto&, auto write, auto then) { then(*run_, save(write), kNow); },
                      .collecting = {},
                      .received = {}};
  std::unique_ptr<ExperimentRun> run_;
};

TEST(ExperimentRun, AStageThatCannotReachTheStoreWaitsForItAndBegins) {
  Collecting test;
  test.store().away = true;
  test.run().Start(kNow);
  EXPECT_TRUE(absl::IsUnavailable(test.run().Settle()));
  v1::Experiment shown = test.run().Describe();
  EXPECT_EQ(shown.status(), v1::STATUS_RUNNING);
  EXPECT_THAT(shown.stages(0).waiting_for(), HasSubstr("the store is away"));
  EXPECT_EQ(test.run().next_due(), kLater);

  test.run().RunDue(kLater);  // as little as before
  EXPECT_EQ(test.run().next_due(), kLater + absl::Seconds(1));

  test.store().away = false;
  test.RunDue(kLater + absl::Seconds(1));
  shown = test.run().Describe();
  EXPECT_EQ(shown.stages(0).status(), v1::STATUS_RUNNING);
  EXPECT_EQ(shown.stages(0).waiting_for(), "actors");
  EXPECT_TRUE(test.store().GetDataset("demos").ok());
}

TEST(ExperimentRun, AStageThatCannotBeFinishedForTheStoreIsFinishedLater) {
  Collecting test;
  test.run().Start(kNow);
  test.RunDue(kNow);
  // The store goes just when everything has been saved.
  test.save = [&test](const std::function<absl::Status()>& write) {
    const absl::Status saved = write();
    test.store().away = true;
    return saved;
  };
  test.Collect(kNow);
  EXPECT_EQ(test.run().Describe().status(), v1::STATUS_RUNNING);
  EXPECT_EQ(test.run().next_due(), kLater);

  test.store().away = false;
  test.RunDue(kLater);
  EXPECT_EQ(test.run().Describe().status(), v1::STATUS_SUCCEEDED);
  EXPECT_TRUE(test.store().GetDataset("demos").value().complete());
}

class StatusWatcher final : public ExperimentWatcher {
 public:
  void Show(const v1::Experiment& experiment) override { shown.push_back(experiment.status()); }
  void Close(absl::Status) override {}

  std::vector<v1::Status> shown;
};

TEST(ExperimentRun, AWatcherThatComesBeforeAChangeIsStoredSeesItOnceItIs) {
  Collecting test;
  test.run().Start(kNow);
  test.RunDue(kNow);
  test.run().Cancel(kNow);
  const auto watcher = std::make_shared<StatusWatcher>();
  ASSERT_TRUE(test.run().Watch(watcher));
  EXPECT_THAT(watcher->shown, IsEmpty());

  test.store().away = true;
  EXPECT_FALSE(test.run().Settle().ok());
  EXPECT_THAT(watcher->shown, ElementsAre(v1::STATUS_RUNNING));
  const auto later = std::make_shared<StatusWatcher>();
  ASSERT_TRUE(test.run().Watch(later));
  EXPECT_THAT(later->shown, ElementsAre(v1::STATUS_RUNNING));

  test.store().away = false;
  EXPECT_TRUE(test.run().Settle().ok());
  EXPECT_THAT(watcher->shown, ElementsAre(v1::STATUS_RUNNING, v1::STATUS_CANCELLED));
  EXPECT_THAT(later->shown, ElementsAre(v1::STATUS_RUNNING, v1::STATUS_CANCELLED));
}

TEST(ExperimentRun, ACancelledOneDoesNotGoOnWhenTheStoreIsBack) {
  Collecting test;
  test.store().away = true;
  test.run().Start(kNow);
  test.run().Cancel(kNow);
  test.store().away = false;
  test.RunDue(kLater);
  EXPECT_EQ(test.run().Describe().status(), v1::STATUS_CANCELLED);
  EXPECT_TRUE(absl::IsNotFound(test.store().GetDataset("demos").status()));
}

TEST(ExperimentRun, APausedOneLeavesItsDatasetToOthersAndTakesNothingMore) {
  Collecting test;
  test.run().Start(kNow);
  test.RunDue(kNow);
  ASSERT_EQ(test.collecting(), 1u);
  test.run().Pause(kNow);
  EXPECT_EQ(test.run().Settle(), absl::OkStatus());
  EXPECT_EQ(test.collecting(), 0u);
  EXPECT_TRUE(test.run().at_rest());
  EXPECT_EQ(test.store().GetExperiment("test-1").value().status(), v1::STATUS_PAUSED);
  v1::StageKey stage;
  stage.set_experiment_id("test-1");
  EXPECT_TRUE(absl::IsFailedPrecondition(test.run().Connect(std::make_shared<FakeActorLink>("late", stage), kNow)));
  test.run().RunDue(kLater);
  EXPECT_EQ(test.run().status(), v1::STATUS_PAUSED);
}

TEST(ExperimentRun, AnotherErrorOfTheStoreFailsTheStage) {
  Collecting test;
  test.run().Start(kNow);
  test.RunDue(kNow);
  test.save = [](const auto&) { return absl::ResourceExhaustedError("the disk is full"); };
  test.Collect(kNow);
  EXPECT_EQ(test.run().Describe().status(), v1::STATUS_FAILED);
  EXPECT_EQ(test.run().Describe().stages(0).error(), "the disk is full");
}

}  // namespace
}  // namespace understudy
