// Inference and updates of CartPole's policy (64×64 tanh, separate), ours beside LibTorch's autograd of the same
// arithmetic in this process. The minibatch is there already: gathering and normalising it is in neither.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "common/policy/policy.h"
#include "learner/algorithms/bc/bc_loss.h"
#include "learner/algorithms/parameter_update.h"
#include "learner/algorithms/ppo/ppo_loss.h"
#include "learner/backpropagation/backpropagation.h"
#include "learner/group/learner_group.h"
#include "tests/benchmarks/micro/autograd_baseline.h"
#include "tests/benchmarks/micro/minibatch.h"
#include "tests/benchmarks/micro/products.h"
#include "tests/testing/training_inputs.h"

namespace understudy::benchmarks {
namespace {

LoneLearner alone;

Policy FreshPolicy() {
  return Policy::Create(testing::CartPoleHeader("hidden_sizes: 64 hidden_sizes: 64"), /*seed=*/0).value();
}

void Flops(benchmark::State& state, int64_t flops) {
  state.counters["flops"] =
      benchmark::Counter(static_cast<double>(flops), benchmark::Counter::kIsIterationInvariantRate);
}

// What the actor calls: logits alone.
void Inference(benchmark::State& state) {
  const Minibatch minibatch(state.range(0));
  const Policy policy = FreshPolicy();
  std::vector<float> logits(state.range(0) * policy.actions());
  for (auto _ : state) {
    policy.Infer(minibatch.observations, {.logits = logits, .values = {}});
    benchmark::ClobberMemory();
  }
  Flops(state, ForwardFlops(ActorShapes(), state.range(0)));
}
BENCHMARK(Inference)->Name("inference")->Arg(64)->Arg(256)->Arg(1024);

void AutogradInference(benchmark::State& state) {
  AutogradBaseline baseline(Minibatch(state.range(0)));
  for (auto _ : state) baseline.Infer();
}
BENCHMARK(AutogradInference)->Name("libtorch inference")->Arg(64)->Arg(256)->Arg(1024);

void UpdatePpo(benchmark::State& state, int threads) {
  const Minibatch minibatch(state.range(0));
  const PpoSamples samples{minibatch.actions, minibatch.log_probs, minibatch.values, minibatch.advantages,
                           minibatch.returns};
  Policy policy = FreshPolicy();
  ParameterUpdate update(policy, MakeBackpropagation(policy.header(), "cpu", threads).value(), {},
                         /*max_gradient_norm=*/0.5, alone);
  const size_t rows = samples.actions.size();
  for (auto _ : state) {
    const auto norm =
        update.Apply(minibatch.observations, /*with_values=*/true, /*learning_rate=*/0.001,
                     [&](size_t first_row, const NetworkOutput& output, const NetworkGradients& gradients) {
                       ComputePpoLoss(output, samples.Part(first_row, output.values.size()), rows, {}, gradients);
                       return absl::OkStatus();
                     });
    if (!norm.ok()) state.SkipWithError("diverged");
  }
  int64_t flops = 0;
  for (const auto& layers : {ActorShapes(), CriticShapes()}) {
    flops += ForwardFlops(layers, state.range(0)) + BackwardFlops(layers, state.range(0));
  }
  Flops(state, flops);
}

void PpoMinibatch(benchmark::State& state) { UpdatePpo(state, /*threads=*/1); }
BENCHMARK(PpoMinibatch)->Name("ppo_minibatch")->Arg(64)->Arg(256)->Arg(1024)->Arg(2048);

// By wall time: what a second thread brings.
void PpoMinibatchOnTwo(benchmark::State& state) { UpdatePpo(state, /*threads=*/2); }
BENCHMARK(PpoMinibatchOnTwo)->Name("ppo_minibatch on 2 threads")->Arg(256)->Arg(2048)->UseRealTime();

void AutogradPpoMinibatch(benchmark::State& state) {
  AutogradBaseline baseline(Minibatch(state.range(0)));
  for (auto _ : state) baseline.UpdatePpo();
}
BENCHMARK(AutogradPpoMinibatch)->Name("libtorch ppo_minibatch")->Arg(64)->Arg(256)->Arg(1024)->Arg(2048);

void BcMinibatch(benchmark::State& state) {
  const Minibatch minibatch(state.range(0));
  const BcSamples samples{minibatch.actions, {}, {}};
  Policy policy = FreshPolicy();
  ParameterUpdate update(policy, MakeBackpropagation(policy.header(), "cpu", /*threads=*/1).value(),
                         {.weight_decay = 0.0001}, /*max_gradient_norm=*/0, alone);
  const size_t rows = samples.actions.size();
  for (auto _ : state) {
    const auto norm =
        update.Apply(minibatch.observations, /*with_values=*/false, /*learning_rate=*/0.0015,
                     [&](size_t first_row, const NetworkOutput& output, const NetworkGradients& gradients) {
                       CrossEntropy(output, samples.Part(first_row, output.logits.size() / 2), rows, gradients);
                       return absl::OkStatus();
                     });
    if (!norm.ok()) state.SkipWithError("diverged");
  }
  Flops(state, ForwardFlops(ActorShapes(), state.range(0)) + BackwardFlops(ActorShapes(), state.range(0)));
}
BENCHMARK(BcMinibatch)->Name("bc_minibatch")->Arg(64)->Arg(256)->Arg(1024);

void AutogradBcMinibatch(benchmark::State& state) {
  AutogradBaseline baseline(Minibatch(state.range(0)));
  for (auto _ : state) baseline.UpdateBc();
}
BENCHMARK(AutogradBcMinibatch)->Name("libtorch bc_minibatch")->Arg(64)->Arg(256)->Arg(1024);

}  // namespace
}  // namespace understudy::benchmarks
