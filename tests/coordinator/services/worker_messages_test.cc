#include "coordinator/services/worker_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/rpc/protocol.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

v1::WorkerHello LearnerHello() {
  v1::WorkerHello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_worker_id("host-1.example-77-abcdef");
  hello.set_kind(v1::WORKER_KIND_LEARNER);
  hello.set_rollouts_address("127.0.0.1:50052");
  return hello;
}

std::string HelloError(void (*change)(v1::WorkerHello&)) {
  v1::WorkerHello hello = LearnerHello();
  change(hello);
  return ValidateHello(hello).ToString();
}

TEST(WorkerMessages, ValidHellosPass) {
  EXPECT_EQ(HelloError([](auto&) {}), "OK");
  EXPECT_EQ(HelloError([](auto& hello) {
              hello.set_kind(v1::WORKER_KIND_ACTOR);
              hello.clear_rollouts_address();
            }),
            "OK");
}

TEST(WorkerMessages, NamesWhatIsWrongWithAHello) {
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_worker_id(""); }), HasSubstr("worker_id"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_worker_id("a b"); }), HasSubstr("worker_id"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_worker_id(std::string(129, 'x')); }), HasSubstr("worker_id"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_host(std::string(257, 'x')); }), HasSubstr("host"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_host("\x1b[2J"); }), HasSubstr("host: found 4 bytes"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_pid(-1); }), HasSubstr("pid: found -1"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.clear_kind(); }), HasSubstr("kind"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_rollouts_address("nowhere"); }), HasSubstr("rollouts_address"));
  EXPECT_THAT(HelloError([](auto& hello) { hello.set_kind(v1::WORKER_KIND_ACTOR); }), HasSubstr("rollouts_address"));
}

TEST(WorkerMessages, AnotherProtocolVersionIsAFailedPrecondition) {
  v1::WorkerHello hello = LearnerHello();
  hello.set_protocol_version(99);
  EXPECT_TRUE(absl::IsFailedPrecondition(ValidateHello(hello)));
}

// What is wrong with a heartbeat, a progress and a finished stage that hold this accounting: the same for all.
std::string AccountingError(const v1::TrajectoryAccounting& accounting) {
  v1::WorkerHeartbeat heartbeat;
  *heartbeat.mutable_trajectories() = accounting;
  v1::ProgressRequest progress;
  *progress.mutable_progress()->mutable_trajectories() = accounting;
  v1::FinishStageRequest finish;
  *finish.mutable_trajectories() = accounting;
  EXPECT_EQ(ValidateHeartbeat(heartbeat), ValidateProgress(progress));
  EXPECT_EQ(ValidateHeartbeat(heartbeat), ValidateFinish(finish));
  return ValidateHeartbeat(heartbeat).ToString();
}

TEST(WorkerMessages, AccountingHasSixteenShortReasonsAtMost) {
  v1::TrajectoryAccounting accounting;
  for (char reason = 'a'; reason < 'a' + 16; ++reason) (*accounting.mutable_rejected())[std::string(64, reason)] = 1;
  EXPECT_EQ(AccountingError(accounting), "OK");
  (*accounting.mutable_rejected())["more"] = 1;
  EXPECT_THAT(AccountingError(accounting), HasSubstr("trajectories.rejected: found 17, expected at most 16"));
  for (const std::string& reason : {std::string(), std::string(65, 'x'), std::string("line\nbreak")}) {
    v1::TrajectoryAccounting other;
    (*other.mutable_rejected())[reason] = 1;
    EXPECT_THAT(AccountingError(other), HasSubstr("a reason of trajectories.rejected: found "));
  }
}

TEST(WorkerMessages, AccountingCountsNothingBelowZero) {
  const auto error_after = [](auto change) {
    v1::TrajectoryAccounting accounting;
    change(accounting);
    return AccountingError(accounting);
  };
  EXPECT_THAT(error_after([](auto& a) { a.set_produced(-1); }), HasSubstr("trajectories.produced: found -1"));
  EXPECT_THAT(error_after([](auto& a) { a.set_accepted(-2); }), HasSubstr("trajectories.accepted: found -2"));
  EXPECT_THAT(error_after([](auto& a) { a.set_lost(-3); }), HasSubstr("trajectories.lost: found -3"));
  EXPECT_THAT(error_after([](auto& a) { a.set_in_flight(-4); }), HasSubstr("trajectories.in_flight: found -4"));
  EXPECT_THAT(error_after([](auto& a) { (*a.mutable_rejected())["stale"] = -5; }), HasSubstr("found -5"));
}

TEST(WorkerMessages, HeartbeatsCountNothingBelowZero) {
  const auto error_after = [](auto change) {
    v1::WorkerHeartbeat heartbeat;
    change(heartbeat);
    return ValidateHeartbeat(heartbeat).ToString();
  };
  EXPECT_THAT(error_after([](auto& h) { h.set_epoch(-1); }), HasSubstr("epoch: found -1"));
  EXPECT_THAT(error_after([](auto& h) { h.set_steps_produced(-1); }), HasSubstr("steps_produced: found -1"));
  EXPECT_THAT(error_after([](auto& h) { h.set_connected_actors(-1); }), HasSubstr("connected_actors: found -1"));
  EXPECT_THAT(error_after([](auto& h) { h.set_without_actors_ms(-1); }), HasSubstr("without_actors_ms: found -1"));
  EXPECT_THAT(error_after([](auto& h) { h.set_without_ranks_ms(-1); }), HasSubstr("without_ranks_ms: found -1"));
  EXPECT_THAT(error_after([](auto& h) { h.set_unreachable("a\x1b[2J"); }), HasSubstr("unreachable: found 5 bytes"));
  EXPECT_THAT(error_after([](auto& h) { h.set_unreachable(std::string(2049, 'x')); }), HasSubstr("2049 bytes"));
}

TEST(WorkerMessages, ProgressIsBounded) {
  const auto error_after = [](auto change) {
    v1::ProgressRequest request;
    change(*request.mutable_progress());
    return ValidateProgress(request).ToString();
  };
  const auto add_metrics = [](v1::StageProgress& progress, int count) {
    for (int i = 0; i < count; ++i) (*progress.mutable_metrics())[std::to_string(i)] = 0;
  };
  EXPECT_EQ(error_after([&](auto& p) { add_metrics(p, 64); }), "OK");
  EXPECT_THAT(error_after([&](auto& p) { add_metrics(p, 65); }), HasSubstr("progress.metrics: found 65"));
  EXPECT_THAT(error_after([](auto& p) { (*p.mutable_metrics())[std::string(65, 'x')] = 0; }), HasSubstr("a name"));
  EXPECT_THAT(error_after([](auto& p) { (*p.mutable_metrics())[""] = 0; }), HasSubstr("a name"));
  EXPECT_THAT(error_after([](auto& p) { p.set_unit(std::string(65, 'x')); }), HasSubstr("progress.unit"));
  EXPECT_THAT(error_after([](auto& p) { p.set_iteration(-1); }), HasSubstr("progress.iteration: found -1"));
  EXPECT_THAT(error_after([](auto& p) { p.set_done(-1); }), HasSubstr("progress.done: found -1"));
  EXPECT_THAT(error_after([](auto& p) { p.set_total(-1); }), HasSubstr("progress.total: found -1"));
  EXPECT_THAT(error_after([](auto& p) { p.set_steps(-1); }), HasSubstr("progress.steps: found -1"));
}

TEST(WorkerMessages, AFinishedStageIsBounded) {
  const auto error_after = [](auto change) {
    v1::FinishStageRequest request;
    change(request);
    return ValidateFinish(request).ToString();
  };
  EXPECT_EQ(error_after([](auto& f) { f.set_error(std::string(4096, 'x')); }), "OK");
  EXPECT_THAT(error_after([](auto& f) { f.set_error(std::string(4097, 'x')); }), HasSubstr("found 4097"));
  EXPECT_THAT(error_after([](auto& f) { f.mutable_result()->set_updates(-1); }), HasSubstr("result.updates"));
  EXPECT_THAT(error_after([](auto& f) { f.mutable_result()->set_iterations(-1); }), HasSubstr("result.iterations"));
  EXPECT_THAT(error_after([](auto& f) { f.mutable_result()->set_environment_steps(-1); }),
              HasSubstr("result.environment_steps"));
  EXPECT_THAT(error_after([](auto& f) { f.mutable_result()->set_evaluation_episodes(-1); }),
              HasSubstr("result.evaluation_episodes"));
}

}  // namespace
}  // namespace understudy
