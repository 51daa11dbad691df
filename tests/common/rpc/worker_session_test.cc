#include "common/rpc/worker_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "common/process/mutex.h"
#include "common/rpc/protocol.h"
#include "common/rpc/server.h"
#include "tests/testing/fake_workers_service.h"
#include "tests/testing/log_capture.h"

namespace understudy {
namespace {

using ::understudy::testing::FakeWorkersService;
using ::understudy::testing::LogCapture;

v1::Assignment ActorAssignment(int64_t epoch, const std::string& experiment = "e") {
  v1::Assignment assignment;
  assignment.set_epoch(epoch);
  assignment.set_heartbeat_ms(20);
  assignment.mutable_actor()->mutable_stage()->set_experiment_id(experiment);
  assignment.mutable_actor()->mutable_stage()->set_epoch(epoch);
  return assignment;
}

// Collects what a session is assigned.
class Inbox {
 public:
  void Put(const v1::Assignment& assignment) {
    MutexLock lock(mutex_);
    assignments_.push_back(assignment);
    changed_.NotifyAll();
  }
  // nullopt after ten seconds without one.
  std::optional<v1::Assignment> Take() {
    MutexLock lock(mutex_);
    while (assignments_.empty()) {
      if (!changed_.WaitFor(mutex_, absl::Seconds(10))) return std::nullopt;
    }
    v1::Assignment assignment = assignments_.front();
    assignments_.pop_front();
    return assignment;
  }
  bool empty() {
    MutexLock lock(mutex_);
    return assignments_.empty();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<v1::Assignment> assignments_ ABSL_GUARDED_BY(mutex_);
};

WorkerSessionOptions OptionsFor(const std::string& coordinator, Inbox& inbox) {
  WorkerSessionOptions options;
  options.coordinators = Coordinators::Make(coordinator).value();
  options.hello.set_worker_id("worker");
  options.hello.set_kind(v1::WORKER_KIND_ACTOR);
  options.on_assignment = [&inbox](const v1::Assignment& assignment) { inbox.Put(assignment); };
  options.heartbeat = [] {
    v1::WorkerHeartbeat heartbeat;
    heartbeat.set_steps_produced(7);
    return heartbeat;
  };
  return options;
}

TEST(WorkerSession, SaysWhoItIsAndFollowsAssignments) {
  FakeWorkersService service;
  service.Assign(ActorAssignment(1));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  const WorkerSession session(OptionsFor((*server)->address(), inbox));
  EXPECT_EQ(inbox.Take().value().epoch(), 1);
  EXPECT_EQ(service.AwaitHellos(1).at(0).worker_id(), "worker");
  EXPECT_EQ(service.AwaitHellos(1).at(0).protocol_version(), kProtocolVersion);
  service.Assign(ActorAssignment(2));
  EXPECT_EQ(inbox.Take().value().epoch(), 2);
}

TEST(WorkerSession, HearsARepeatedAssignmentOnce) {
  FakeWorkersService service;
  service.Assign(ActorAssignment(1));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  const WorkerSession session(OptionsFor((*server)->address(), inbox));
  EXPECT_EQ(inbox.Take().value().epoch(), 1);
  service.Assign(ActorAssignment(1));
  service.Assign(ActorAssignment(1, "another"));  // a coordinator that counts from one again
  EXPECT_EQ(inbox.Take().value().actor().stage().experiment_id(), "another");
  EXPECT_TRUE(inbox.empty());
}

TEST(WorkerSession, ReportsTheEpochThatItWorksOn) {
  FakeWorkersService service;
  service.Assign(ActorAssignment(3));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  const WorkerSession session(OptionsFor((*server)->address(), inbox));
  EXPECT_TRUE(service.AwaitHeartbeat(
      [](const v1::WorkerHeartbeat& heartbeat) { return heartbeat.epoch() == 3 && heartbeat.steps_produced() == 7; }));
  service.Assign(ActorAssignment(4));
  EXPECT_TRUE(service.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) { return heartbeat.epoch() == 4; }));
}

TEST(WorkerSession, AttachesAgainWhereTheStreamBreaks) {
  FakeWorkersService service;
  service.Assign(ActorAssignment(1));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  const WorkerSession session(OptionsFor((*server)->address(), inbox));
  ASSERT_TRUE(inbox.Take().has_value());
  service.BreakStream();
  ASSERT_EQ(service.AwaitHellos(2).size(), 2u);
  service.Assign(ActorAssignment(2));
  EXPECT_EQ(inbox.Take().value().epoch(), 2);
}

TEST(WorkerSession, WaitsForACoordinatorThatIsNotThereYet) {
  std::string address;
  {
    FakeWorkersService nobody;
    address = RpcServer::Start({}, {&nobody}).value()->address();
  }
  Inbox inbox;
  const WorkerSession session(OptionsFor(address, inbox));
  FakeWorkersService service;
  service.Assign(ActorAssignment(1));
  const auto server = RpcServer::Start({.listen = address}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(inbox.Take().value().epoch(), 1);
}

TEST(WorkerSession, EndsWhileItIsRefusedOrAlone) {
  FakeWorkersService service;
  service.Refuse(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "protocol version 1, expected 2"));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  {
    const WorkerSession refused(OptionsFor((*server)->address(), inbox));
    EXPECT_EQ(service.AwaitHellos(1).size(), 1u);
  }
  WorkerSession(OptionsFor("127.0.0.1:1", inbox));
  EXPECT_TRUE(inbox.empty());
}

v1::Assignment OfStage(v1::Assignment assignment, int64_t stage_epoch, const std::string& address = "") {
  assignment.mutable_actor()->mutable_stage()->set_epoch(stage_epoch);
  assignment.mutable_actor()->clear_rollouts_addresses();
  if (!address.empty()) assignment.mutable_actor()->add_rollouts_addresses(address);
  return assignment;
}

TEST(WorkerSession, IsNotDisturbedByTheSameWorkUnderAnotherEpochOfTheAssignment) {
  FakeWorkersService service;
  service.Assign(OfStage(ActorAssignment(3), 1));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  const WorkerSession session(OptionsFor((*server)->address(), inbox));
  ASSERT_TRUE(inbox.Take().has_value());
  // As a restarted coordinator would: the heartbeats follow, the work goes on.
  service.Assign(OfStage(ActorAssignment(9), 1));
  EXPECT_TRUE(service.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) { return heartbeat.epoch() == 9; }));
  EXPECT_TRUE(inbox.empty());
}

TEST(WorkerSession, FollowsAnotherEpochOfItsStageAndOtherAddressesOfItsSinks) {
  FakeWorkersService service;
  service.Assign(OfStage(ActorAssignment(1), 1, "127.0.0.1:1"));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  const WorkerSession session(OptionsFor((*server)->address(), inbox));
  ASSERT_TRUE(inbox.Take().has_value());
  service.Assign(OfStage(ActorAssignment(1), 2, "127.0.0.1:1"));
  EXPECT_EQ(inbox.Take().value().actor().stage().epoch(), 2);
  service.Assign(OfStage(ActorAssignment(1), 2, "127.0.0.1:2"));
  EXPECT_EQ(inbox.Take().value().actor().rollouts_addresses(0), "127.0.0.1:2");
  v1::Assignment both = OfStage(ActorAssignment(1), 2, "127.0.0.1:2");
  both.mutable_actor()->add_rollouts_addresses("127.0.0.1:3");
  service.Assign(both);
  EXPECT_EQ(inbox.Take().value().actor().rollouts_addresses_size(), 2);
  *both.mutable_actor()->mutable_rollouts_addresses(1) = "127.0.0.1:4";
  service.Assign(both);
  EXPECT_EQ(inbox.Take().value().actor().rollouts_addresses(1), "127.0.0.1:4");
  v1::Assignment learner = ActorAssignment(1);
  *learner.mutable_learner()->mutable_stage() = OfStage(learner, 2).actor().stage();
  service.Assign(learner);
  EXPECT_TRUE(inbox.Take().value().has_learner());
  service.Assign(v1::Assignment());
  EXPECT_EQ(inbox.Take().value().work_case(), v1::Assignment::WORK_NOT_SET);
}

TEST(WorkerSession, SaysThatItsStageWasTakenAwayWhileItWasNotAttached) {
  LogCapture log;
  FakeWorkersService before, after;
  before.Assign(ActorAssignment(1));
  after.Assign(ActorAssignment(2, "another"));
  auto server = RpcServer::Start({}, {&before});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string address = (*server)->address();
  Inbox inbox;
  const WorkerSession session(OptionsFor(address, inbox));
  ASSERT_TRUE(inbox.Take().has_value());
  (*server)->Shutdown();
  EXPECT_TRUE(log.Await("not attached to the coordinator at " + address + ": "));
  EXPECT_EQ(log.text().find("fenced"), std::string::npos);
  server->reset();

  server = RpcServer::Start({.listen = address}, {&after});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(inbox.Take().value().actor().stage().experiment_id(), "another");
  EXPECT_TRUE(log.Await("experiment 'e' stage 1 epoch 1 was taken away while this worker was not attached"));
}

TEST(WorkerSession, GoesOverToTheCoordinatorThatTakesOver) {
  FakeWorkersService before, after;
  before.Assign(ActorAssignment(1));
  after.Assign(ActorAssignment(2));
  auto first = RpcServer::Start({}, {&before}).value();
  // One that stands by does not listen.
  std::string standby = RpcServer::Start({}, {&after}).value()->address();
  Inbox inbox;
  const WorkerSession session(OptionsFor(standby + "," + first->address(), inbox));
  EXPECT_EQ(inbox.Take().value().actor().rollouts_addresses(0), first->address());
  first->Shutdown();
  const auto second = RpcServer::Start({.listen = standby}, {&after});
  ASSERT_TRUE(second.ok()) << second.status();
  // The same stage, but its sink is elsewhere now.
  EXPECT_EQ(inbox.Take().value().actor().rollouts_addresses(0), standby);
}

TEST(WorkerSession, SendsItsLastTotalsBeforeItEnds) {
  FakeWorkersService service;
  v1::Assignment assignment = ActorAssignment(1);
  assignment.set_heartbeat_ms(60'000);
  service.Assign(assignment);
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  std::atomic<int64_t> steps = 1;
  WorkerSessionOptions options = OptionsFor((*server)->address(), inbox);
  options.heartbeat = [&steps] {
    v1::WorkerHeartbeat heartbeat;
    heartbeat.set_steps_produced(steps);
    return heartbeat;
  };
  {
    const WorkerSession session(options);
    ASSERT_TRUE(inbox.Take().has_value());
    ASSERT_TRUE(service.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) { return heartbeat.epoch() == 1; }));
    steps = 99;
  }
  EXPECT_TRUE(
      service.AwaitHeartbeat([](const v1::WorkerHeartbeat& heartbeat) { return heartbeat.steps_produced() == 99; }));
}

TEST(WorkerSession, TriesSeveralTimesASecondHoweverLongItIsInVain) {
  FakeWorkersService service;
  service.Refuse(grpc::Status(grpc::StatusCode::UNAVAILABLE, "starting"));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Inbox inbox;
  const WorkerSession session(OptionsFor((*server)->address(), inbox));
  ASSERT_GE(service.AwaitHellos(6).size(), 6u);
  // Within ten seconds, of which it takes four at most: with pauses of two seconds these would be six.
  EXPECT_GE(service.AwaitHellos(18).size(), 18u);
}

TEST(MakeWorkerId, IsAnotherEachTime) { EXPECT_NE(MakeWorkerId(), MakeWorkerId()); }

}  // namespace
}  // namespace understudy
