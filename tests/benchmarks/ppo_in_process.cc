// Trains PPO on CartPole-v1 in one process: what distribution has to be measured against. Prints one JSON object.
#include <cstdio>
#include <string>
#include <utility>

#include "learner/algorithms/ppo/ppo.h"
#include "tests/benchmarks/in_process_context.h"
#include "tests/benchmarks/program.h"
#include "tests/testing/training_inputs.h"

namespace understudy::benchmarks {
namespace {

// Rows of an actor's inference batch, as sinks ask for.
constexpr int kWidth = 64;

absl::StatusOr<nlohmann::json> Measure(const std::string& stage) {
  const TrainingInput input = testing::CartPoleTraining(stage);
  absl::StatusOr<RolloutWorker> worker = RolloutWorker::Create(input.environment, kWidth);
  if (!worker.ok()) return worker.status();
  InProcessContext context(*std::move(worker));
  const absl::StatusOr<TrainingOutput> output = TrainPpo(input, context);
  if (!output.ok()) return output.status();
  // From the end of the first iteration to the end of the last.
  const v1::StageProgress& first = context.reports().front();
  const v1::StageProgress& last = context.reports().back();
  const double seconds = last.metrics().at("seconds") - first.metrics().at("seconds");
  return nlohmann::json{{"steps_per_second", static_cast<double>(last.done() - first.done()) / seconds}};
}

}  // namespace
}  // namespace understudy::benchmarks

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: ppo_in_process \"policy: 'p' algorithm: 'ppo' ppo { slots: 64 }\"\n");
    return 2;
  }
  return understudy::benchmarks::PrintFound("ppo_in_process", understudy::benchmarks::Measure(argv[1]));
}
