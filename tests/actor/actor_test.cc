#include "actor/actor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actor/rollout_worker.h"
#include "common/rollouts/episode_order.h"
#include "common/rollouts/segment_order.h"
#include "common/trajectory/dataset_content.h"
#include "tests/testing/dispatcher_sink.h"
#include "tests/testing/fake_workers_service.h"
#include "tests/testing/log_capture.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::DispatcherSink;
using ::understudy::testing::ExpectationOf;
using ::understudy::testing::FakeWorkersService;
using ::understudy::testing::LogCapture;
using ::understudy::testing::TestSnapshot;

using Digests = std::map<int64_t, std::string>;

v1::Assignment AssignmentTo(const std::vector<std::string>& rollouts_addresses, int64_t epoch) {
  v1::Assignment assignment;
  assignment.set_epoch(epoch);
  assignment.set_heartbeat_ms(20);
  for (const std::string& address : rollouts_addresses) assignment.mutable_actor()->add_rollouts_addresses(address);
  assignment.mutable_actor()->mutable_stage()->set_experiment_id("e");
  assignment.mutable_actor()->mutable_stage()->set_epoch(epoch);
  return assignment;
}

// Collects the episodes' digests into `digests`, which must outlive the order, and calls `on_episodes` then.
std::shared_ptr<EpisodeOrder> CollectingOrder(
    int64_t episodes, Digests& digests, std::function<void()> on_episodes = [] {}) {
  EpisodeOrderOptions options;
  options.expectation = ExpectationOf({});
  options.purpose = v1::ROLLOUT_PURPOSE_COLLECTION;
  options.seed = 11;
  options.episodes = episodes;
  options.episodes_per_request = 16;
  options.on_episodes = [&digests, on_episodes = std::move(on_episodes)](const std::vector<TrajectoryView>& views) {
    for (const TrajectoryView& view : views) digests[view.trajectory->episode()] = EpisodeDigest(view);
    on_episodes();
    return absl::OkStatus();
  };
  return std::make_shared<EpisodeOrder>(options);
}

// The same episodes without any network.
Digests PlayedDirectly(int64_t episodes) {
  v1::RolloutRequest request;
  request.set_policy("expert");
  request.set_policy_version(1);
  request.set_action_mode(v1::ACTION_MODE_SAMPLE);
  request.set_purpose(v1::ROLLOUT_PURPOSE_COLLECTION);
  request.set_seed(11);
  request.mutable_episodes()->set_end(episodes);
  const Policy policy = Policy::FromSnapshot(*TestSnapshot("expert", 1)).value();
  Digests digests;
  const auto keep = [&](const v1::RolloutResult& result) {
    for (const TrajectoryView& view : ViewTrajectories(result.batch(), CartPoleSpec())) {
      digests[view.trajectory->episode()] = EpisodeDigest(view);
    }
    return absl::OkStatus();
  };
  const Cancellation cancellation;
  EXPECT_TRUE(RolloutWorker::Create(CartPoleSpec(), kInferenceWidth)->Run(request, policy, keep, cancellation).ok());
  return digests;
}

TEST(Actor, FulfilsWhatTheSinkOfItsAssignmentAsksFor) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink sink(CartPoleSpec());
  workers.Assign(AssignmentTo({sink.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  Digests digests;
  const absl::Status status = sink.Run(CollectingOrder(100, digests), TestSnapshot("expert", 1));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(digests, PlayedDirectly(100));
  EXPECT_EQ(sink.hellos().at(0).worker_id(), workers.AwaitHellos(1).at(0).worker_id());
  EXPECT_EQ(sink.hellos().at(0).stage().experiment_id(), "e");
  EXPECT_TRUE(workers.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) {
    return heartbeat.trajectories().accepted() == 100 && heartbeat.trajectories().produced() == 100 &&
           heartbeat.steps_produced() > 100;
  }));
}

TEST(Actor, WithSeveralThreadsIsSeveralToItsSinkAndOneToTheCoordinator) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink sink(CartPoleSpec());
  workers.Assign(AssignmentTo({sink.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address(), .threads = 3});
  ASSERT_TRUE(actor.ok()) << actor.status();
  const std::vector<v1::ActorHello> hellos = sink.AwaitHellos(3);
  ASSERT_EQ(hellos.size(), 3u);
  const std::string worker = workers.AwaitHellos(1).at(0).worker_id();
  std::set<std::string> ids;
  for (const v1::ActorHello& hello : hellos) ids.insert(hello.worker_id());
  EXPECT_EQ(ids, (std::set<std::string>{worker + ".1", worker + ".2", worker + ".3"}));
  Digests digests;
  const absl::Status status = sink.Run(CollectingOrder(100, digests), TestSnapshot("expert", 1));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(digests, PlayedDirectly(100));
  EXPECT_TRUE(workers.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) {
    return heartbeat.trajectories().accepted() == 100 && heartbeat.trajectories().produced() == 100;
  }));
  EXPECT_EQ(workers.AwaitHellos(1).size(), 1u);
}

TEST(Actor, AllThreadsFollowItsLatestAssignment) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink first(CartPoleSpec());
  DispatcherSink second(CartPoleSpec());
  workers.Assign(AssignmentTo({first.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address(), .threads = 3});
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_EQ(first.AwaitHellos(3).size(), 3u);
  workers.Assign(AssignmentTo({second.address()}, 2));
  EXPECT_EQ(second.AwaitHellos(3).size(), 3u);
}

TEST(Actor, ContinuesAfterItsStreamBreaksAndAccountsForAll) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink sink(CartPoleSpec());
  sink.BreakAfter(2);
  workers.Assign(AssignmentTo({sink.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  Digests digests;
  const absl::Status status = sink.Run(CollectingOrder(100, digests), TestSnapshot("expert", 1));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(digests, PlayedDirectly(100));
  EXPECT_EQ(sink.hellos().size(), 2u);
  EXPECT_TRUE(workers.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) {
    return heartbeat.trajectories().accepted() + heartbeat.trajectories().lost() ==
               heartbeat.trajectories().produced() &&
           heartbeat.trajectories().produced() >= 100;
  }));
}

TEST(Actor, PlaysSegmentsInTurn) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink sink(CartPoleSpec());
  workers.Assign(AssignmentTo({sink.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  std::vector<v1::SlotState> states;
  for (int64_t version = 1; version <= 6; ++version) {
    SegmentOrderOptions options{.expectation = ExpectationOf({.version = version}), .seed = 3, .slots = 5, .steps = 32};
    options.states = states;
    const auto order = std::make_shared<SegmentOrder>(options);
    const absl::Status status = sink.Run(order, TestSnapshot("expert", version));
    ASSERT_TRUE(status.ok()) << status;
    states = order->TakeStates();
    ASSERT_EQ(states.size(), 5u);
    EXPECT_EQ(states[4].steps(), 32 * version);
  }
}

TEST(Actor, ServesAllSinksOfItsAssignmentAtATime) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink first(CartPoleSpec());
  DispatcherSink second(CartPoleSpec());
  workers.Assign(AssignmentTo({first.address(), second.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address(), .threads = 2});
  ASSERT_TRUE(actor.ok()) << actor.status();
  const std::string worker = workers.AwaitHellos(1).at(0).worker_id();
  for (DispatcherSink* sink : {&first, &second}) {
    std::set<std::string> ids;
    for (const v1::ActorHello& hello : sink->AwaitHellos(2)) ids.insert(hello.worker_id());
    EXPECT_EQ(ids, (std::set<std::string>{worker + ".1", worker + ".2"}));
  }
  // One asks for more than can be done; the other need not wait for its turn.
  Digests without_end, digests;
  std::promise<void> under_way;
  bool told = false;
  const auto order = CollectingOrder(1'000'000, without_end, [&] {
    if (!std::exchange(told, true)) under_way.set_value();
  });
  std::future<absl::Status> run =
      std::async(std::launch::async, [&] { return first.Run(order, TestSnapshot("expert", 1)); });
  under_way.get_future().wait();
  EXPECT_EQ(second.Run(CollectingOrder(100, digests), TestSnapshot("expert", 1)), absl::OkStatus());
  EXPECT_EQ(digests, PlayedDirectly(100));
  first.Fail(absl::CancelledError("enough"));
  EXPECT_EQ(run.get(), absl::CancelledError("enough"));
  EXPECT_TRUE(workers.AwaitHeartbeat(
      [](const v1::WorkerHeartbeat& heartbeat) { return heartbeat.trajectories().accepted() > 100; }));
}

TEST(Actor, GoesOnWithOneSinkWhileAnotherIsAwayAndFindsItAgain) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink stays(CartPoleSpec());
  auto leaves = std::make_unique<DispatcherSink>(CartPoleSpec());
  const std::string address = leaves->address();
  workers.Assign(AssignmentTo({address, stays.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  ASSERT_EQ(leaves->AwaitHellos(1).size(), 1u);
  leaves.reset();
  Digests digests;
  EXPECT_EQ(stays.Run(CollectingOrder(100, digests), TestSnapshot("expert", 1)), absl::OkStatus());
  EXPECT_EQ(digests, PlayedDirectly(100));
  DispatcherSink back(CartPoleSpec(), address);
  Digests again;
  EXPECT_EQ(back.Run(CollectingOrder(30, again), TestSnapshot("expert", 1)), absl::OkStatus());
  EXPECT_EQ(again, PlayedDirectly(30));
  EXPECT_EQ(stays.hellos().size(), 1u);
}

TEST(Actor, LeavesAllSinksButThoseOfItsLatestAssignment) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink first(CartPoleSpec());
  DispatcherSink second(CartPoleSpec());
  workers.Assign(AssignmentTo({first.address(), second.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_EQ(first.AwaitHellos(1).size(), 1u);
  EXPECT_EQ(second.AwaitHellos(1).size(), 1u);
  workers.Assign(AssignmentTo({second.address()}, 2));
  EXPECT_EQ(second.AwaitHellos(2).at(1).stage().epoch(), 2);
  EXPECT_TRUE(first.AwaitGone(1));
  EXPECT_EQ(first.hellos().size(), 1u);
}

TEST(Actor, GoesWhereItsLatestAssignmentSays) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink first(CartPoleSpec());
  DispatcherSink second(CartPoleSpec());
  workers.Assign(AssignmentTo({first.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  Digests digests;
  ASSERT_TRUE(first.Run(CollectingOrder(4, digests), TestSnapshot("expert", 1)).ok());
  workers.Assign(AssignmentTo({second.address()}, 2));
  ASSERT_TRUE(second.Run(CollectingOrder(8, digests), TestSnapshot("expert", 1)).ok());
  EXPECT_EQ(digests.size(), 8u);
  EXPECT_EQ(second.hellos().at(0).stage().epoch(), 2);
}

TEST(Actor, KeepsItsAssignmentAndCanStopWhileItsSinkIsAway) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  workers.Assign(AssignmentTo({"127.0.0.1:1"}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_TRUE(workers.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) { return heartbeat.epoch() == 1; }));
}

TEST(Actor, AnswersWithWhatItCannotDo) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  v1::EnvironmentSpec other = CartPoleSpec();
  other.set_max_episode_steps(77);
  DispatcherSink sink(other);
  workers.Assign(AssignmentTo({sink.address()}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  Digests digests;
  const absl::Status status = sink.Run(CollectingOrder(4, digests), TestSnapshot("expert", 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("77"), absl::string_view::npos) << status;
  EXPECT_TRUE(digests.empty());
}

TEST(Actor, RefusesWhatIsNoAddress) {
  EXPECT_TRUE(absl::IsInvalidArgument(Actor::Start({.coordinators = "nowhere"}).status()));
}

TEST(Actor, RefusesANumberOfThreadsThatIsOutOfBounds) {
  for (const int threads : {-1, 0, kMaxRolloutThreads + 1}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Actor::Start({.threads = threads}).status())) << threads;
  }
}

class DrainingActor : public ::testing::TestWithParam<int> {};

TEST_P(DrainingActor, FinishesWhatEachThreadHasInHandAndSaysSoLast) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink sink(CartPoleSpec());
  workers.Assign(AssignmentTo({sink.address()}, 1));
  auto actor = Actor::Start({.coordinators = coordinator->address(), .threads = GetParam()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  // Far more than it can do meanwhile, sixteen episodes a request.
  Digests digests;
  std::promise<void> under_way;
  bool told = false;
  const std::shared_ptr<EpisodeOrder> order = CollectingOrder(1'000'000, digests, [&] {
    if (!std::exchange(told, true)) under_way.set_value();
  });
  std::future<absl::Status> run =
      std::async(std::launch::async, [&] { return sink.Run(order, TestSnapshot("expert", 1)); });
  under_way.get_future().wait();
  std::promise<void> drained;
  (*actor)->Drain([&drained] { drained.set_value(); });
  drained.get_future().wait();
  actor->reset();
  // Its last heartbeat, and nothing but whole requests.
  EXPECT_TRUE(workers.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) {
    const v1::TrajectoryAccounting& counts = heartbeat.trajectories();
    return counts.accepted() > 0 && counts.accepted() == counts.produced() && counts.accepted() % 16 == 0;
  }));
  sink.Fail(absl::CancelledError("enough"));
  EXPECT_EQ(run.get(), absl::CancelledError("enough"));
  EXPECT_EQ(digests.size() % 16, 0u);
  EXPECT_TRUE(workers.AwaitHeartbeat([&](const v1::WorkerHeartbeat& heartbeat) {
    return heartbeat.trajectories().accepted() == static_cast<int64_t>(digests.size()) &&
           heartbeat.trajectories().in_flight() == 0 && heartbeat.trajectories().lost() == 0;
  }));
}

INSTANTIATE_TEST_SUITE_P(Threads, DrainingActor, ::testing::Values(1, 3), ::testing::PrintToStringParamName());

TEST(Actor, DrainsAtOnceWhereNothingIsInHand) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  DispatcherSink sink(CartPoleSpec());
  const std::string nowhere = "127.0.0.1:1";
  using Addresses = std::vector<std::string>;
  for (const Addresses& addresses : {Addresses{sink.address()}, {nowhere}, Addresses{sink.address(), nowhere}}) {
    workers.Assign(AssignmentTo(addresses, 1));
    const auto actor = Actor::Start({.coordinators = coordinator->address(), .threads = 2});
    ASSERT_TRUE(actor.ok()) << actor.status();
    std::promise<void> drained;
    (*actor)->Drain([&drained] { drained.set_value(); });
    EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  }
}

TEST(Actor, SaysForHowLongItsSinkIsAway) {
  LogCapture log;
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  workers.Assign(AssignmentTo({"127.0.0.1:1"}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_TRUE(log.Await("no stream to the sink at 127.0.0.1:1: 127.0.0.1:1: Connection refused; trying again"));
}

TEST(Actor, TellsTheCoordinatorOfASinkThatItCannotReachUntilItIsToReachIt) {
  FakeWorkersService workers;
  const auto coordinator = RpcServer::Start({}, {&workers}).value();
  workers.Assign(AssignmentTo({"127.0.0.1:1"}, 1));
  const auto actor = Actor::Start({.coordinators = coordinator->address()});
  ASSERT_TRUE(actor.ok()) << actor.status();
  EXPECT_TRUE(workers.AwaitHeartbeat(
      [](const auto& heartbeat) { return heartbeat.unreachable() == "127.0.0.1:1: Connection refused"; }));
  DispatcherSink sink(CartPoleSpec());
  workers.Assign(AssignmentTo({sink.address()}, 2));
  EXPECT_TRUE(workers.AwaitHeartbeat(
      [](const auto& heartbeat) { return heartbeat.epoch() == 2 && heartbeat.unreachable().empty(); }));
}

}  // namespace
}  // namespace understudy
