// How many transitions a learner takes in, from the wire to what PPO learns from: an actor in another process streams
// prepared results over gRPC; here they are received, parsed, validated and put in order by the learner's sink, and
// made into a batch, with value estimates (of a critic with one hidden unit: it is not inference that is measured)
// and advantages, by MakePpoBatch. CPU time is of all threads of this process.
//
// Usage: learner_ingest REPLAYING_ACTOR ITERATIONS
#include <sys/resource.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "cli/child_process.h"
#include "common/process/logging.h"
#include "common/process/process.h"
#include "common/rollouts/segment_order.h"
#include "learner/algorithms/ppo/ppo_batch.h"
#include "learner/backpropagation/backpropagation.h"
#include "tests/benchmarks/learner_server.h"
#include "tests/benchmarks/program.h"
#include "tests/testing/training_inputs.h"

namespace understudy::benchmarks {
namespace {

constexpr int64_t kSlots = 1024;
constexpr int64_t kSteps = 128;

// Seconds of wall and CPU time.
struct Clocks {
  double wall = 0;
  double cpu = 0;

  static Clocks Now() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) { return time.tv_sec + 1e-6 * time.tv_usec; };
    return {.wall = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()),
            .cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime)};
  }
  void Add(const Clocks& begin, const Clocks& end) {
    wall += end.wall - begin.wall;
    cpu += end.cpu - begin.cpu;
  }
};

class Ingest {
 public:
  Ingest(LearnerServer& server, Policy policy)
      : server_(server),
        policy_(std::move(policy)),
        snapshot_(policy_.Snapshot("policy", 1)),
        backpropagation_(MakeBackpropagation(policy_.header(), "cpu", /*threads=*/1).value()) {}

  absl::Status Iterate() {
    auto order =
        std::make_shared<SegmentOrder>(SegmentOrderOptions{.expectation = {.environment = environment_,
                                                                           .policy = "policy",
                                                                           .policy_version = 1,
                                                                           .action_mode = v1::ACTION_MODE_SAMPLE},
                                                           .seed = 1,
                                                           .slots = kSlots,
                                                           .steps = kSteps});
    const Clocks begin = Clocks::Now();
    if (absl::Status status = server_.Run(order, snapshot_); !status.ok()) return status;
    const std::vector<v1::TrajectoryBatch> segments = order->TakeBatches();
    const Clocks received = Clocks::Now();
    const PpoBatch batch =
        MakePpoBatch(segments, environment_, policy_, {.gamma = 0.98, .lambda = 0.8}, *backpropagation_);
    sink_.Add(begin, received);
    batch_.Add(received, Clocks::Now());
    if (batch.steps() != kSlots * kSteps) return absl::InternalError("there are steps missing");
    return absl::OkStatus();
  }

  void Forget() { sink_ = batch_ = {}; }
  // Since the last Forget.
  nlohmann::json Found(int64_t iterations) const {
    const auto transitions = static_cast<double>(iterations * kSlots * kSteps);
    return {{"per_second", transitions / (sink_.wall + batch_.wall)},
            {"per_cpu_second", transitions / (sink_.cpu + batch_.cpu)},
            {"sink_per_cpu_second", transitions / sink_.cpu},
            {"batch_per_cpu_second", transitions / batch_.cpu}};
  }

 private:
  LearnerServer& server_;
  const v1::EnvironmentSpec environment_ = testing::CartPoleSpec();
  const Policy policy_;
  const std::shared_ptr<const PolicySnapshot> snapshot_;
  const std::unique_ptr<Backpropagation> backpropagation_;
  Clocks sink_;
  Clocks batch_;
};

absl::StatusOr<nlohmann::json> Measure(const std::string& replaying_actor, int64_t iterations) {
  auto server = LearnerServer::Start();
  if (!server.ok()) return server.status();
  absl::StatusOr<Policy> policy = Policy::Create(testing::CartPoleHeader("hidden_sizes: 1"), /*seed=*/0);
  if (!policy.ok()) return policy.status();
  const auto actor = ChildProcess::Start(replaying_actor, {(*server)->address()});
  if (!actor.ok()) return actor.status();
  Ingest ingest(**server, *std::move(policy));
  // In the first, the actor rolls out; in the second, buffers grow.
  for (int64_t i = -2; i < iterations; ++i) {
    if (i == 0) ingest.Forget();
    if (absl::Status status = ingest.Iterate(); !status.ok()) return status;
  }
  return ingest.Found(iterations);
}

}  // namespace
}  // namespace understudy::benchmarks

int main(int argc, char** argv) {
  if (argc != 3 || std::atoll(argv[2]) < 1) {
    std::fprintf(stderr, "usage: learner_ingest REPLAYING_ACTOR ITERATIONS\n");
    return 2;
  }
  understudy::KeepFreedMemory();  // as a learner does
  understudy::InitLogging("learner_ingest", {.level = "error"});
  return understudy::benchmarks::PrintFound("learner_ingest",
                                            understudy::benchmarks::Measure(argv[1], std::atoll(argv[2])));
}
