// The learner's end of rollouts behind a real gRPC server on loopback, for one stage on CartPole-v1.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_LEARNER_SERVER_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_LEARNER_SERVER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/process/cancellation.h"
#include "common/rollouts/rollout_service.h"
#include "common/rpc/server.h"
#include "learner/learner_sink.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::benchmarks {

// The stage that actors of a benchmark come for.
inline v1::StageKey BenchmarkStage() {
  v1::StageKey stage;
  stage.set_experiment_id("benchmark");
  stage.set_epoch(1);
  return stage;
}

// Thread-compatible.
class LearnerServer {
 public:
  static absl::StatusOr<std::unique_ptr<LearnerServer>> Start() {
    std::unique_ptr<LearnerServer> started(new LearnerServer);
    auto server = RpcServer::Start({}, {&started->service_});
    if (!server.ok()) return server.status();
    started->server_ = *std::move(server);
    started->sink_.Begin(BenchmarkStage(), testing::CartPoleSpec());
    return started;
  }
  ~LearnerServer() { sink_.End(); }

  const std::string& address() const { return server_->address(); }

  // Runs an order to its end on the actors that are connected.
  absl::Status Run(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy) {
    if (absl::Status status = sink_.Start(order, std::move(policy), /*background=*/false); !status.ok()) return status;
    return sink_.Await(*order, never_);
  }

 private:
  LearnerServer() = default;

  LearnerSink sink_;
  RolloutService service_{sink_};
  Cancellation never_;
  std::unique_ptr<RpcServer> server_;
};

}  // namespace understudy::benchmarks

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_LEARNER_SERVER_H_
