#include "coordinator/coordinator_sink.h"

#include <gtest/gtest.h>

#include <numeric>

#include "coordinator/storage/data_directory.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::FakeActorLink;
using testing::TemporaryDirectory;

// When nothing depends on the time.
constexpr absl::Time kNow = absl::UnixEpoch();
constexpr int64_t kSteps = 10;

// A stage that collects a number of episodes, and its actors.
class Collecting {
 public:
  explicit Collecting(int64_t episodes)
      : data_(DataDirectory::Open(directory_.File("data"), DataDirectory::Mode::kCreate).value()) {
    v1::Dataset dataset = testing::NewDataset("demos");
    dataset.mutable_recipe()->clear_transitions();
    dataset.mutable_recipe()->set_episodes(episodes);
    EXPECT_TRUE(store().CreateDataset(dataset).ok());
    sink_ = MakeCollectSink("demos", dataset.recipe(), dataset.recipe().environment(),
                            testing::TestSnapshot("expert", 1), store())
                .value();
  }

  Store& store() { return data_->store(); }
  CoordinatorSink& sink() { return *sink_; }
  int64_t stored() { return store().GetDataset("demos")->episodes(); }

  std::shared_ptr<FakeActorLink> Connect(const std::string& worker) {
    auto link = std::make_shared<FakeActorLink>(worker);
    EXPECT_TRUE(sink_->Connect(link, kNow).ok());
    return link;
  }

  void EndSink() { sink_.reset(); }

  // The actor answers its first request.
  void Answer(FakeActorLink& actor) {
    ASSERT_FALSE(actor.Requests().empty());
    const v1::RolloutRequest request = actor.Requests().front();
    std::vector<int64_t> numbers(request.episodes().end() - request.episodes().begin());
    std::iota(numbers.begin(), numbers.end(), request.episodes().begin());
    auto message = std::make_shared<v1::ActorMessage>();
    message->mutable_result()->set_request_id(request.id());
    message->mutable_result()->set_last(true);
    *message->mutable_result()->mutable_batch() = testing::EpisodeBatch(numbers, kSteps);
    const absl::Status received = sink_->Receive(actor, std::move(message), kNow);
    EXPECT_TRUE(received.ok()) << received;
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<DataDirectory> data_;
  std::unique_ptr<CoordinatorSink> sink_;
};

int64_t Acknowledged(const FakeActorLink& actor) {
  int64_t accepted = 0;
  for (const v1::RolloutAck& ack : actor.Acks()) accepted += ack.accepted();
  return accepted;
}

TEST(CoordinatorSink, AsksForDemonstrationsAndEvaluationsUnderPurposesOfTheirOwn) {
  Collecting test(4);
  EXPECT_EQ(test.Connect("actor")->Requests().at(0).purpose(), v1::ROLLOUT_PURPOSE_COLLECTION);
  v1::EvaluateStage evaluate;
  evaluate.set_episodes(4);
  const auto sink = MakeEvaluateSink({.experiment = "e", .stage = 0}, testing::CartPoleSpec(), evaluate,
                                     testing::TestSnapshot("expert", 1), test.store());
  ASSERT_TRUE(sink.ok()) << sink.status();
  const auto actor = std::make_shared<FakeActorLink>("actor");
  ASSERT_TRUE((*sink)->Connect(actor, kNow).ok());
  EXPECT_EQ(actor->Requests().at(0).purpose(), v1::ROLLOUT_PURPOSE_EVALUATION);
}

TEST(CoordinatorSink, CountsAndAcknowledgesWhatIsSavedAndNotBefore) {
  Collecting test(4);
  const auto actor = test.Connect("actor");
  test.Answer(*actor);
  const auto results = test.sink().TakeUnsaved();
  ASSERT_NE(results, nullptr);
  EXPECT_EQ(Acknowledged(*actor), 0);
  EXPECT_EQ(actor->reads, 0);
  EXPECT_EQ(test.sink().progress().done(), 0);
  EXPECT_EQ(test.sink().accounting().produced(), 0);
  EXPECT_FALSE(test.sink().done());

  ASSERT_TRUE(results->Save().ok());
  EXPECT_EQ(test.stored(), 4);
  EXPECT_EQ(Acknowledged(*actor), 0);
  test.sink().NoteSaved(*results);
  EXPECT_EQ(Acknowledged(*actor), 4);
  EXPECT_EQ(actor->reads, 1);
  EXPECT_EQ(test.sink().progress().done(), 4);
  EXPECT_EQ(test.sink().progress().steps(), 4 * kSteps);
  EXPECT_EQ(test.sink().accounting().accepted(), 4);
  EXPECT_TRUE(test.sink().done());
  EXPECT_EQ(test.sink().TakeUnsaved(), nullptr);
}

TEST(CoordinatorSink, SavesTogetherWhatCameWhileItSaved) {
  Collecting test(300);
  const auto a = test.Connect("a");
  const auto b = test.Connect("b");
  const auto c = test.Connect("c");
  test.Answer(*a);
  const auto first = test.sink().TakeUnsaved();
  ASSERT_NE(first, nullptr);
  test.Answer(*b);
  test.Answer(*c);
  EXPECT_EQ(test.sink().TakeUnsaved(), nullptr);
  ASSERT_TRUE(first->Save().ok());
  test.sink().NoteSaved(*first);

  const auto second = test.sink().TakeUnsaved();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->receipts.size(), 2);
  ASSERT_TRUE(second->Save().ok());
  test.sink().NoteSaved(*second);
  EXPECT_GT(Acknowledged(*b), 0);
  EXPECT_GT(Acknowledged(*c), 0);
  EXPECT_EQ(test.stored(), Acknowledged(*a) + Acknowledged(*b) + Acknowledged(*c));
}

TEST(CoordinatorSink, WhoBreaksOffAndComesAgainIsRefusedWhileItsResultWaits) {
  Collecting test(300);
  const auto first = test.Connect("first");
  test.Answer(*first);
  const auto saving = test.sink().TakeUnsaved();
  ASSERT_NE(saving, nullptr);
  const auto second = test.Connect("second");
  test.Answer(*second);
  test.sink().Disconnect(*first, kNow);
  test.sink().Disconnect(*second, kNow);

  const auto again = std::make_shared<FakeActorLink>("second");
  EXPECT_EQ(test.sink().Connect(again, kNow).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(again->sent.empty());

  ASSERT_TRUE(saving->Save().ok());
  test.sink().NoteSaved(*saving);
  ASSERT_NE(test.sink().TakeUnsaved(), nullptr);
  EXPECT_TRUE(test.sink().Connect(again, kNow).ok());
}

TEST(CoordinatorSink, WhatIsBeingSavedOutlivesTheStage) {
  auto test = std::make_unique<Collecting>(4);
  const auto actor = test->Connect("actor");
  test->Answer(*actor);
  const auto results = test->sink().TakeUnsaved();
  // As where the experiment is cancelled.
  Store& store = test->store();
  test->EndSink();
  EXPECT_TRUE(results->Save().ok());
  EXPECT_EQ(store.GetDataset("demos")->episodes(), 4);
  EXPECT_EQ(Acknowledged(*actor), 0);
}

TEST(CoordinatorSink, WhatIsNotNewIsAcknowledgedAtOnce) {
  Collecting test(4);
  const auto actor = test.Connect("actor");
  const auto other = test.Connect("other");
  test.Answer(*actor);
  test.sink().Disconnect(*actor, kNow);
  EXPECT_EQ(test.sink().accounting().produced(), 0);
  // It was let go: what it sends again counts as stale, and nothing is to be saved for it.
  test.Answer(*actor);
  EXPECT_EQ(test.sink().accounting().rejected().at("stale"), 4);
  const auto results = test.sink().TakeUnsaved();
  ASSERT_NE(results, nullptr);
  EXPECT_EQ(results->receipts.size(), 1);
}

}  // namespace
}  // namespace understudy
