#include "actor/sink_session.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::TestSnapshot;

// Sends what it was made with, and keeps the stream until the actor leaves it.
class ScriptedSink final : public v1::Rollouts::Service {
 public:
  explicit ScriptedSink(std::vector<v1::SinkMessage> script) : script_(std::move(script)) {}

  grpc::Status RollOut(grpc::ServerContext*,
                       grpc::ServerReaderWriter<v1::SinkMessage, v1::ActorMessage>* stream) override {
    for (const v1::SinkMessage& message : script_) stream->Write(message);
    v1::ActorMessage message;
    while (stream->Read(&message)) {
      if (!message.has_result()) continue;
      if (results.empty() && on_first_result) on_first_result();
      results.push_back(message.result());
      if (!end_after_first_result.ok()) return end_after_first_result;
      if (acknowledge) stream->Write(acknowledge(message.result()));
    }
    return grpc::Status::OK;
  }

  std::function<void()> on_first_result;
  grpc::Status end_after_first_result;
  std::function<v1::SinkMessage(const v1::RolloutResult&)> acknowledge;
  std::vector<v1::RolloutResult> results;  // to be read when the session is over

 private:
  const std::vector<v1::SinkMessage> script_;
};

v1::SinkMessage Hello(uint32_t version = kProtocolVersion) {
  v1::SinkMessage message;
  message.mutable_hello()->set_protocol_version(version);
  *message.mutable_hello()->mutable_environment() = CartPoleSpec();
  message.mutable_hello()->set_inference_width(8);
  return message;
}

v1::SinkMessage Request(const std::string& policy) {
  v1::SinkMessage message;
  message.mutable_request()->set_policy(policy);
  message.mutable_request()->set_policy_version(1);
  message.mutable_request()->set_action_mode(v1::ACTION_MODE_GREEDY);
  message.mutable_request()->set_purpose(v1::ROLLOUT_PURPOSE_COLLECTION);
  message.mutable_request()->mutable_episodes()->set_end(64);
  return message;
}

std::vector<v1::SinkMessage> HelloAndPolicy() {
  std::vector<v1::SinkMessage> script = {Hello()};
  SendInChunks(*TestSnapshot("expert", 1), [&](v1::PolicyChunk chunk) {
    *script.emplace_back().mutable_policy() = std::move(chunk);
    return true;
  });
  return script;
}

struct Outcome {
  absl::Status status;
  bool greeted = false;
  v1::WorkerHeartbeat totals;
};

// What a session with a sink that follows this script ends with. The sink never ends it.
Outcome RunAgainst(std::vector<v1::SinkMessage> script) {
  ScriptedSink service(std::move(script));
  const auto server = RpcServer::Start({}, {&service}).value();
  RolloutCounters counters;
  v1::ActorHello hello;
  hello.set_worker_id("a");
  SinkSession session(MakeChannel(server->address()), hello, counters);
  Cancellation leaving, stopping;
  const absl::Status status = session.Run(leaving, stopping);
  return {status, session.greeted(), counters.Totals()};
}

TEST(SinkSession, LeavesASinkOfAnotherProtocolVersion) {
  const Outcome outcome = RunAgainst({Hello(77)});
  EXPECT_TRUE(absl::IsFailedPrecondition(outcome.status)) << outcome.status;
  EXPECT_FALSE(outcome.greeted);
}

TEST(SinkSession, LeavesASinkThatBreaksTheGrammar) {
  EXPECT_TRUE(absl::IsInvalidArgument(RunAgainst({Request("expert")}).status));
  EXPECT_TRUE(absl::IsInvalidArgument(RunAgainst({Hello(), Hello()}).status));
  EXPECT_TRUE(absl::IsInvalidArgument(RunAgainst({Hello(), v1::SinkMessage()}).status));
}

TEST(SinkSession, LeavesASinkThatNamesAPolicyBeforeItWasSent) {
  const Outcome outcome = RunAgainst({Hello(), Request("clone")});
  EXPECT_TRUE(absl::IsNotFound(outcome.status)) << outcome.status;
  EXPECT_TRUE(outcome.greeted);
}

TEST(SinkSession, LeavesASinkThatSendsADamagedPolicy) {
  std::vector<v1::SinkMessage> script = HelloAndPolicy();
  std::string& parameters = *script.back().mutable_policy()->mutable_parameters();
  parameters[0] = static_cast<char>(parameters[0] ^ 1);
  EXPECT_TRUE(absl::IsDataLoss(RunAgainst(script).status));
}

TEST(SinkSession, LeavesASinkThatAsksForTooMuchAtOnceAndCountsWhatIsLost) {
  std::vector<v1::SinkMessage> script = HelloAndPolicy();
  // Slow ones, so that they queue up.
  for (size_t i = 0; i < 50 * SinkSession::kMaxQueuedRequests; ++i) {
    script.push_back(Request("expert"));
    script.back().mutable_request()->mutable_episodes()->set_end(60000);
  }
  const Outcome outcome = RunAgainst(script);
  EXPECT_TRUE(absl::IsResourceExhausted(outcome.status)) << outcome.status;
  EXPECT_EQ(outcome.totals.trajectories().lost(), outcome.totals.trajectories().produced());
}

TEST(SinkSession, FinishesTheRequestInHandBeforeItLeavesAndBeginsNoOther) {
  std::vector<v1::SinkMessage> script = HelloAndPolicy();
  for (const uint64_t id : {1, 2}) {
    script.push_back(Request("expert"));
    script.back().mutable_request()->set_id(id);
    script.back().mutable_request()->mutable_episodes()->set_end(8000);  // several results
  }
  ScriptedSink service(std::move(script));
  Cancellation leaving, stopping;
  service.on_first_result = [&leaving] { leaving.Cancel("another assignment"); };
  auto server = RpcServer::Start({}, {&service}).value();
  RolloutCounters counters;
  SinkSession session(MakeChannel(server->address()), v1::ActorHello(), counters);
  EXPECT_EQ(session.Run(leaving, stopping), absl::CancelledError("another assignment"));
  server->Shutdown();
  ASSERT_GT(service.results.size(), 1u);
  for (const v1::RolloutResult& result : service.results) EXPECT_EQ(result.request_id(), 1u);
  EXPECT_TRUE(service.results.back().last());
}

TEST(SinkSession, EndsAtOnceWhenTheProcessStops) {
  std::vector<v1::SinkMessage> script = HelloAndPolicy();
  script.push_back(Request("expert"));
  script.back().mutable_request()->mutable_episodes()->set_end(60000);
  ScriptedSink service(std::move(script));
  Cancellation leaving, stopping;
  service.on_first_result = [&stopping] { stopping.Cancel("stopping"); };
  auto server = RpcServer::Start({}, {&service}).value();
  RolloutCounters counters;
  SinkSession session(MakeChannel(server->address()), v1::ActorHello(), counters);
  EXPECT_EQ(session.Run(leaving, stopping), absl::CancelledError("stopping"));
  server->Shutdown();
  ASSERT_FALSE(service.results.empty());
  EXPECT_FALSE(service.results.back().last());
}

TEST(SinkSession, EndsWhenItIsCancelled) {
  ScriptedSink service({Hello()});
  const auto server = RpcServer::Start({}, {&service}).value();
  RolloutCounters counters;
  SinkSession session(MakeChannel(server->address()), v1::ActorHello(), counters);
  Cancellation leaving, stopping;
  leaving.Cancel("another assignment");
  EXPECT_EQ(session.Run(leaving, stopping), absl::CancelledError("another assignment"));
}

TEST(SinkSession, SaysThatNobodyIsThere) {
  RolloutCounters counters;
  SinkSession session(MakeChannel("127.0.0.1:1"), v1::ActorHello(), counters);
  Cancellation leaving, stopping;
  EXPECT_TRUE(absl::IsUnavailable(session.Run(leaving, stopping)));
  EXPECT_FALSE(session.greeted());
}

v1::SinkMessage Accept(const v1::RolloutResult& result) {
  v1::SinkMessage message;
  message.mutable_ack()->set_request_id(result.request_id());
  message.mutable_ack()->set_accepted(result.batch().trajectories_size());
  return message;
}

TEST(SinkSession, LeavesOnceAllOfTheRequestInHandIsAcknowledged) {
  std::vector<v1::SinkMessage> script = HelloAndPolicy();
  for (const uint64_t id : {1, 2, 3}) {
    script.push_back(Request("expert"));
    script.back().mutable_request()->set_id(id);
    script.back().mutable_request()->mutable_episodes()->set_end(8000);  // several results
  }
  ScriptedSink service(std::move(script));
  service.acknowledge = Accept;
  Cancellation leaving, stopping;
  service.on_first_result = [&leaving] { leaving.Cancel("draining"); };
  auto server = RpcServer::Start({}, {&service}).value();
  RolloutCounters counters;
  SinkSession session(MakeChannel(server->address()), v1::ActorHello(), counters);
  EXPECT_EQ(session.Run(leaving, stopping), absl::CancelledError("draining"));
  EXPECT_EQ(counters.Totals().trajectories().produced(), 8000);
  EXPECT_EQ(counters.Totals().trajectories().accepted(), 8000);
  EXPECT_EQ(counters.Totals().trajectories().lost(), 0);
  EXPECT_EQ(counters.Totals().trajectories().in_flight(), 0);
}

TEST(SinkSession, BelievesNoSinkThatAcknowledgesMoreThanItWasSent) {
  std::vector<v1::SinkMessage> script = HelloAndPolicy();
  script.push_back(Request("expert"));
  ScriptedSink service(std::move(script));
  Cancellation leaving, stopping;
  service.on_first_result = [&leaving] { leaving.Cancel("draining"); };
  service.acknowledge = [](const v1::RolloutResult&) {
    v1::SinkMessage message;
    message.mutable_ack()->set_accepted(60);
    message.mutable_ack()->set_rejected(1000);
    message.mutable_ack()->set_reason("a whim");
    return message;
  };
  auto server = RpcServer::Start({}, {&service}).value();
  RolloutCounters counters;
  SinkSession session(MakeChannel(server->address()), v1::ActorHello(), counters);
  EXPECT_TRUE(absl::IsCancelled(session.Run(leaving, stopping)));
  const v1::WorkerHeartbeat totals = counters.Totals();
  EXPECT_EQ(totals.trajectories().produced(), 64);
  EXPECT_EQ(totals.trajectories().accepted(), 60);
  EXPECT_EQ(totals.trajectories().rejected().at("other"), 4);
  EXPECT_EQ(totals.trajectories().in_flight(), 0);
}

TEST(SinkSession, TellsWhyTheSinkEndedTheStreamAlthoughItWasStillSending) {
  for (int i = 0; i < 10; ++i) {
    std::vector<v1::SinkMessage> script = HelloAndPolicy();
    script.push_back(Request("expert"));
    script.back().mutable_request()->mutable_episodes()->set_end(8000);
    ScriptedSink service(std::move(script));
    service.end_after_first_result = grpc::Status(grpc::StatusCode::ABORTED, "fenced");
    const auto server = RpcServer::Start({}, {&service}).value();
    RolloutCounters counters;
    SinkSession session(MakeChannel(server->address()), v1::ActorHello(), counters);
    Cancellation leaving, stopping;
    EXPECT_EQ(session.Run(leaving, stopping), absl::AbortedError("fenced"));
    EXPECT_EQ(counters.Totals().trajectories().lost(), counters.Totals().trajectories().produced());
  }
}

TEST(SinkSession, LeavesASinkThatHasNotGreetedAtOnce) {
  ScriptedSink silent({});
  const auto server = RpcServer::Start({}, {&silent}).value();
  RolloutCounters counters;
  SinkSession session(MakeChannel(server->address()), v1::ActorHello(), counters);
  Cancellation leaving, stopping;
  std::thread leaver([&leaving] { leaving.Cancel("another assignment"); });
  const absl::Time begun = absl::Now();
  EXPECT_EQ(session.Run(leaving, stopping), absl::CancelledError("another assignment"));
  EXPECT_LT(absl::Now() - begun, absl::Seconds(9));  // not the ten that a hello may take
  leaver.join();
}

TEST(SinkSession, GivesUpASinkThatNeverGreets) {
  const Outcome outcome = RunAgainst({});
  EXPECT_EQ(outcome.status, absl::UnavailableError("no hello within 10s"));
  EXPECT_FALSE(outcome.greeted);
}

}  // namespace
}  // namespace understudy
