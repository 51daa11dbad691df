// An actor that rolls every request out once, and from then on answers it with the same trajectories: it sends as fast
// as a sink can take. Ends when the sink lets it go. Usage: replaying_actor HOST:PORT
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actor/policy_cache.h"
#include "actor/rollout_worker.h"
#include "common/process/cancellation.h"
#include "common/process/logging.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"
#include "tests/benchmarks/learner_server.h"
#include "understudy/v1/rollouts.grpc.pb.h"

namespace understudy::benchmarks {
namespace {

class ReplayingActor {
 public:
  explicit ReplayingActor(const std::string& address) : stub_(v1::Rollouts::NewStub(MakeChannel(address))) {}

  absl::Status Run() {
    grpc::ClientContext context;
    const auto stream = stub_->RollOut(&context);
    v1::ActorMessage hello;
    hello.mutable_hello()->set_protocol_version(kProtocolVersion);
    hello.mutable_hello()->set_worker_id("replaying-actor");
    *hello.mutable_hello()->mutable_stage() = BenchmarkStage();
    stream->Write(hello);
    v1::SinkMessage message;
    while (stream->Read(&message)) {
      if (absl::Status status = OnMessage(message, *stream); !status.ok()) return status;
    }
    return FromGrpc(stream->Finish());
  }

 private:
  using Stream = grpc::ClientReaderWriter<v1::ActorMessage, v1::SinkMessage>;

  absl::Status OnMessage(const v1::SinkMessage& message, Stream& stream) {
    if (message.has_hello()) {
      auto worker = RolloutWorker::Create(message.hello().environment(), message.hello().inference_width());
      if (!worker.ok()) return worker.status();
      worker_.emplace(*std::move(worker));
    }
    if (message.has_policy()) return policies_.Add(message.policy());
    if (message.has_request()) return Answer(message.request(), stream);
    return absl::OkStatus();
  }

  absl::Status Answer(const v1::RolloutRequest& request, Stream& stream) {
    std::vector<v1::ActorMessage>& results = results_[{request.segments().begin(), request.segments().end()}];
    if (results.empty()) {
      if (absl::Status status = RollOut(request, results); !status.ok()) return status;
    }
    for (v1::ActorMessage& result : results) {
      result.mutable_result()->set_request_id(request.id());
      if (!stream.Write(result)) break;  // reading tells why
    }
    return absl::OkStatus();
  }

  absl::Status RollOut(const v1::RolloutRequest& request, std::vector<v1::ActorMessage>& results) {
    const auto policy = policies_.Find(request.policy(), request.policy_version());
    if (!policy.ok()) return policy.status();
    const auto keep = [&](v1::RolloutResult result) {
      *results.emplace_back().mutable_result() = std::move(result);
      return absl::OkStatus();
    };
    return worker_->Run(request, **policy, keep, never_);
  }

  const std::unique_ptr<v1::Rollouts::Stub> stub_;
  Cancellation never_;
  PolicyCache policies_;
  std::optional<RolloutWorker> worker_;
  std::map<std::pair<int64_t, int64_t>, std::vector<v1::ActorMessage>> results_;  // by slots
};

}  // namespace
}  // namespace understudy::benchmarks

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: replaying_actor HOST:PORT\n");
    return 2;
  }
  understudy::InitLogging("replaying_actor", {.level = "error"});
  const absl::Status status = understudy::benchmarks::ReplayingActor(argv[1]).Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "replaying_actor: %s\n", status.ToString().c_str());
  return 1;
}
