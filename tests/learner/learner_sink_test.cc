#include "learner/learner_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/rollouts/episode_order.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/log_capture.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::BatchOptions;
using testing::CartPoleSpec;
using testing::EpisodeBatch;
using testing::FakeActorLink;
using ::testing::HasSubstr;
using testing::LogCapture;
using testing::TestSnapshot;

v1::StageKey Stage(int64_t epoch) {
  v1::StageKey stage;
  stage.set_experiment_id("cartpole-1");
  stage.set_stage(0);
  stage.set_epoch(epoch);
  return stage;
}

std::shared_ptr<EpisodeOrder> OrderOf(int64_t episodes) {
  return std::make_shared<EpisodeOrder>(EpisodeOrderOptions{
      .expectation = testing::ExpectationOf(BatchOptions{}), .seed = 1, .episodes = episodes, .on_episodes = nullptr});
}

v1::ActorMessage Answer(const v1::RolloutRequest& request) {
  v1::ActorMessage message;
  v1::RolloutResult& result = *message.mutable_result();
  result.set_request_id(request.id());
  result.set_last(true);
  std::vector<int64_t> numbers;
  for (int64_t n = request.episodes().begin(); n < request.episodes().end(); ++n) numbers.push_back(n);
  *result.mutable_batch() = EpisodeBatch(numbers, 5);
  return message;
}

// Starts an order, and awaits it on a thread of its own, as the stage does.
std::future<absl::Status> RunInBackground(LearnerSink& sink, std::shared_ptr<Order> order,
                                          const Cancellation& cancellation) {
  EXPECT_TRUE(sink.Start(order, TestSnapshot("expert", 1), /*background=*/false).ok());
  return std::async(std::launch::async,
                    [&sink, order = std::move(order), &cancellation] { return sink.Await(*order, cancellation); });
}

// A link whose requests a test can wait for, although they come from the running thread.
class WaitingLink final : public ActorLink {
 public:
  explicit WaitingLink(const v1::StageKey& stage, const std::string& worker = "actor") : inner_(worker, stage) {}
  const v1::ActorHello& hello() const override { return inner_.hello(); }
  void Send(v1::SinkMessage message) override {
    if (message.has_request()) requests_.set_value(message.request());
  }
  void ReadNext() override {}
  void Close(absl::Status status) override { closed_.set_value(std::move(status)); }

  v1::RolloutRequest AwaitRequest() { return requests_.get_future().get(); }
  absl::Status AwaitClose() { return closed_.get_future().get(); }

 private:
  FakeActorLink inner_;
  std::promise<v1::RolloutRequest> requests_;
  std::promise<absl::Status> closed_;
};

TEST(LearnerSink, RunsAnOrderToItsEndOnTheActorsOfItsStage) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto link = std::make_shared<WaitingLink>(Stage(7));
  sink.OnConnected(link);
  const auto order = OrderOf(3);
  std::future<absl::Status> done = RunInBackground(sink, order, cancellation);
  sink.OnMessage(link, Answer(link->AwaitRequest()));
  EXPECT_TRUE(done.get().ok());
  EXPECT_EQ(order->Summary().episodes, 3);
}

TEST(LearnerSink, RefusesActorsOfAnotherEpochOrStageNamingBoth) {
  LearnerSink sink;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto stale = std::make_shared<FakeActorLink>("stale", Stage(6));
  sink.OnConnected(stale);
  ASSERT_TRUE(stale->closed.has_value());
  EXPECT_EQ(stale->closed->code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(stale->closed->message()), HasSubstr("epoch 7"));
  EXPECT_THAT(std::string(stale->closed->message()), HasSubstr("epoch 6"));
}

TEST(LearnerSink, RefusesActorsWhileThereIsNoStage) {
  LearnerSink sink;
  const auto early = std::make_shared<FakeActorLink>("early", Stage(7));
  sink.OnConnected(early);
  EXPECT_TRUE(early->closed.has_value());
}

TEST(LearnerSink, ClosesWhoSendsAMalformedResultAndAsksSomebodyElse) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto bad = std::make_shared<WaitingLink>(Stage(7));
  sink.OnConnected(bad);
  const auto order = OrderOf(1);
  std::future<absl::Status> done = RunInBackground(sink, order, cancellation);
  v1::ActorMessage rubbish = Answer(bad->AwaitRequest());
  rubbish.mutable_result()->mutable_batch()->mutable_rewards()->pop_back();
  sink.OnMessage(bad, rubbish);
  EXPECT_EQ(bad->AwaitClose().code(), absl::StatusCode::kInvalidArgument);

  const auto good = std::make_shared<FakeActorLink>("good", Stage(7));
  sink.OnConnected(good);
  ASSERT_EQ(good->Requests().size(), 1u);
  sink.OnMessage(good, Answer(good->Requests()[0]));
  EXPECT_TRUE(done.get().ok());
}

TEST(LearnerSink, ReturnsAnActorsFailureAsTheOrders) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto link = std::make_shared<WaitingLink>(Stage(7));
  sink.OnConnected(link);
  std::future<absl::Status> done = RunInBackground(sink, OrderOf(1), cancellation);
  v1::ActorMessage failure;
  failure.mutable_failure()->set_request_id(link->AwaitRequest().id());
  failure.mutable_failure()->set_message("no such simulator");
  sink.OnMessage(link, failure);
  EXPECT_THAT(std::string(done.get().message()), HasSubstr("no such simulator"));
}

TEST(LearnerSink, EndsARunningOrderWhenCancelled) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto wake = cancellation.OnCancel([&sink] { sink.Wake(); });
  std::future<absl::Status> done = RunInBackground(sink, OrderOf(1), cancellation);
  cancellation.Cancel("taken away");
  const absl::Status status = done.get();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(std::string(status.message()), HasSubstr("taken away"));
}

TEST(LearnerSink, TheEndOfTheStageEndsAwait) {
  LearnerSink sink;
  sink.Begin(Stage(4), CartPoleSpec());
  Cancellation cancellation;
  std::future<absl::Status> run = RunInBackground(sink, OrderOf(10), cancellation);
  while (sink.actor_status().without_actors == absl::ZeroDuration()) std::this_thread::yield();  // until Await waits
  // Once it waits again, with an actor, nothing but the end wakes it.
  const auto link = std::make_shared<WaitingLink>(Stage(4));
  sink.OnConnected(link);
  for (int i = 0; i < 1000; ++i) {
    sink.actor_status();  // takes turns with Await
    std::this_thread::yield();
  }
  sink.End();
  EXPECT_EQ(run.get(), absl::CancelledError("the stage is over"));
}

TEST(LearnerSink, TheNextStageDoesNotKeepAwaitOfTheLast) {
  LearnerSink sink;
  sink.Begin(Stage(4), CartPoleSpec());
  Cancellation cancellation;
  std::future<absl::Status> run = RunInBackground(sink, OrderOf(10), cancellation);
  while (sink.actor_status().without_actors == absl::ZeroDuration()) std::this_thread::yield();  // until Await waits
  sink.End();
  sink.Begin(Stage(5), CartPoleSpec());
  EXPECT_EQ(run.get(), absl::CancelledError("the stage is over"));
}

TEST(LearnerSink, LetsItsActorsGoAtTheEnd) {
  LearnerSink sink;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto link = std::make_shared<FakeActorLink>("actor", Stage(7));
  sink.OnConnected(link);
  EXPECT_FALSE(link->closed.has_value());
  sink.End();
  EXPECT_TRUE(link->closed.has_value());
  sink.End();
}

TEST(LearnerSink, AccountsForAStageUntilItIsForgottenOrTheNextBegins) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto link = std::make_shared<WaitingLink>(Stage(7));
  sink.OnConnected(link);
  std::future<absl::Status> done = RunInBackground(sink, OrderOf(3), cancellation);
  sink.OnMessage(link, Answer(link->AwaitRequest()));
  EXPECT_TRUE(done.get().ok());
  EXPECT_EQ(sink.accounting().accepted(), 3);
  sink.End();
  EXPECT_EQ(sink.accounting().accepted(), 3);
  EXPECT_EQ(sink.accounting().produced(), 3);
  sink.Begin(Stage(8), CartPoleSpec());
  EXPECT_EQ(sink.accounting().produced(), 0);
  const auto next = std::make_shared<WaitingLink>(Stage(8));
  sink.OnConnected(next);
  done = RunInBackground(sink, OrderOf(2), cancellation);
  sink.OnMessage(next, Answer(next->AwaitRequest()));
  EXPECT_TRUE(done.get().ok());
  sink.End();
  EXPECT_EQ(sink.accounting().produced(), 2);
  sink.Forget();
  EXPECT_EQ(sink.accounting().produced(), 0);
}

TEST(LearnerSink, KnowsHowManyActorsAreConnected) {
  LearnerSink sink;
  EXPECT_EQ(sink.actor_status().connected, 0);
  sink.Begin(Stage(7), CartPoleSpec());
  const auto one = std::make_shared<FakeActorLink>("one", Stage(7));
  const auto two = std::make_shared<FakeActorLink>("two", Stage(7));
  sink.OnConnected(one);
  sink.OnConnected(two);
  EXPECT_EQ(sink.actor_status().connected, 2);
  sink.OnGone(one);
  EXPECT_EQ(sink.actor_status().connected, 1);
  sink.OnGone(two);
  // No order waits for anybody.
  EXPECT_EQ(sink.actor_status().without_actors, absl::ZeroDuration());
}

TEST(LearnerSink, SaysThatNobodyIsThereAndThatItGoesOnWhenSomebodyComes) {
  LogCapture log;
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  std::future<absl::Status> done = RunInBackground(sink, OrderOf(1), cancellation);
  ASSERT_TRUE(log.Await("waiting for actors, none is connected"));
  EXPECT_EQ(sink.actor_status().connected, 0);
  EXPECT_GE(sink.actor_status().without_actors, absl::Seconds(2));

  const auto link = std::make_shared<FakeActorLink>("late", Stage(7));
  sink.OnConnected(link);
  EXPECT_TRUE(log.Await("an actor has connected, it goes on"));
  EXPECT_EQ(sink.actor_status().without_actors, absl::ZeroDuration());
  ASSERT_EQ(link->Requests().size(), 1u);
  sink.OnMessage(link, Answer(link->Requests()[0]));
  EXPECT_TRUE(done.get().ok());
}

TEST(LearnerSink, CountsTrajectoriesOnceTheirOrderHasEnded) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto link = std::make_shared<FakeActorLink>("actor", Stage(7));
  sink.OnConnected(link);
  const auto wanted = OrderOf(3), unwanted = OrderOf(5);
  ASSERT_TRUE(sink.Start(wanted, TestSnapshot("expert", 1), /*background=*/false).ok());
  EXPECT_FALSE(sink.Ready(*wanted));
  sink.OnMessage(link, Answer(link->Requests().at(0)));
  ASSERT_TRUE(sink.Start(unwanted, TestSnapshot("expert", 1), /*background=*/false).ok());
  sink.OnMessage(link, Answer(link->Requests().at(1)));
  EXPECT_TRUE(sink.Ready(*wanted));
  EXPECT_EQ(sink.accounting().produced(), 0);

  EXPECT_TRUE(sink.Await(*wanted, cancellation).ok());
  EXPECT_EQ(sink.accounting().produced(), 3);
  EXPECT_EQ(sink.accounting().accepted(), 3);

  sink.Drop(*unwanted);
  EXPECT_EQ(sink.accounting().produced(), 8);
  EXPECT_EQ(sink.accounting().accepted(), 3);
  EXPECT_EQ(sink.accounting().rejected().at("surplus"), 5);
}

TEST(LearnerSink, OneOrdersFailureIsNoOthers) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto link = std::make_shared<FakeActorLink>("actor", Stage(7));
  sink.OnConnected(link);
  // Who has answered once is asked for two things at a time.
  const auto first = OrderOf(3), good = OrderOf(3), bad = OrderOf(200);
  ASSERT_TRUE(sink.Start(first, TestSnapshot("expert", 1), /*background=*/false).ok());
  sink.OnMessage(link, Answer(link->Requests().at(0)));
  ASSERT_TRUE(sink.Await(*first, cancellation).ok());
  ASSERT_TRUE(sink.Start(good, TestSnapshot("expert", 1), /*background=*/false).ok());
  ASSERT_TRUE(sink.Start(bad, TestSnapshot("expert", 1), /*background=*/false).ok());
  v1::ActorMessage failure;
  failure.mutable_failure()->set_request_id(link->Requests().at(2).id());
  failure.mutable_failure()->set_message("no such simulator");
  sink.OnMessage(link, failure);
  EXPECT_EQ(link->Requests().size(), 3u);  // and nobody is asked for the rest of it
  EXPECT_TRUE(sink.Ready(*bad));
  EXPECT_FALSE(sink.Ready(*good));
  sink.OnMessage(link, Answer(link->Requests()[1]));
  EXPECT_TRUE(sink.Await(*good, cancellation).ok());
  EXPECT_EQ(sink.Await(*bad, cancellation), absl::FailedPreconditionError("actor 'actor': no such simulator"));
}

TEST(LearnerSink, WhatIsStillRunningWhenTheStageEndsIsSurplus) {
  LearnerSink sink;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto link = std::make_shared<FakeActorLink>("actor", Stage(7));
  sink.OnConnected(link);
  ASSERT_TRUE(sink.Start(OrderOf(3), TestSnapshot("expert", 1), /*background=*/false).ok());
  sink.OnMessage(link, Answer(link->Requests().at(0)));
  sink.End();
  EXPECT_EQ(sink.accounting().accepted(), 0);
  EXPECT_EQ(sink.accounting().rejected().at("surplus"), 3);
  EXPECT_TRUE(absl::IsCancelled(sink.Start(OrderOf(1), TestSnapshot("expert", 1), /*background=*/false)));
}

TEST(LearnerSink, FencesAStragglerAndRefusesItWhileTheOrderGoesOn) {
  LearnerSink sink;
  Cancellation cancellation;
  sink.Begin(Stage(7), CartPoleSpec());
  const auto straggler = std::make_shared<WaitingLink>(Stage(7));
  sink.OnConnected(straggler);
  const auto order = OrderOf(3);
  std::future<absl::Status> done = RunInBackground(sink, order, cancellation);
  straggler->AwaitRequest();
  const auto idle = std::make_shared<WaitingLink>(Stage(7), "idle");
  sink.OnConnected(idle);
  // In real time, some eleven seconds.
  const absl::Status fenced = straggler->AwaitClose();
  EXPECT_TRUE(absl::IsAborted(fenced)) << fenced;
  const auto again = std::make_shared<FakeActorLink>("actor", Stage(7));
  sink.OnConnected(again);
  ASSERT_TRUE(again->closed.has_value());
  EXPECT_TRUE(absl::IsFailedPrecondition(*again->closed)) << *again->closed;
  EXPECT_EQ(again->reads, 0);
  sink.OnMessage(idle, Answer(idle->AwaitRequest()));
  EXPECT_TRUE(done.get().ok());
  EXPECT_TRUE(order->done());
}

}  // namespace
}  // namespace understudy
