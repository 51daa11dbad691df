// Inference and updates of CartPole's policy (64×64 tanh, separate), ours beside LibTorch's autograd of the same
// arithmetic in this process. The minibatch is there already: gathering and normalising it is in neither.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "common/policy/policy.h"
#include "learner/algorithms/bc_loss.h"
#include "learner/algorithms/parameter_update.h"
#include "learner/algorithms/ppo_loss.h"
#include "tests/benchmarks/micro/autograd_baseline.h"
#include "tests/benchmarks/micro/minibatch.h"
#include "tests/benchmarks/micro/products.h"
#include "tests/testing/training_inputs.h"

namespace understudy::benchmarks {
namespace {

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
  at::Tensor observations = at::tensor(minibatch.observations).view({-1, 4});
  for (auto _ : state) benchmark::DoNotOptimize(policy.Infer(observations, /*with_values=*/false));
  Flops(state, ForwardFlops(ActorShapes(), state.range(0)));
}
BENCHMARK(Inference)->Name("inference")->Arg(64)->Arg(256)->Arg(1024);

void AutogradInference(benchmark::State& state) {
  AutogradBaseline baseline(Minibatch(state.range(0)));
  for (auto _ : state) baseline.Infer();
}
BENCHMARK(AutogradInference)->Name("libtorch inference")->Arg(64)->Arg(256)->Arg(1024);

void PpoMinibatch(benchmark::State& state) {
  const Minibatch minibatch(state.range(0));
  const PpoSamples samples{minibatch.actions, minibatch.log_probs, minibatch.values, minibatch.advantages,
                           minibatch.returns};
  Policy policy = FreshPolicy();
  ParameterUpdate update(policy, {}, /*max_gradient_norm=*/0.5);
  const at::Tensor observations = at::tensor(minibatch.observations).view({-1, 4});
  for (auto _ : state) {
    const auto norm =
        update.Apply(observations, /*with_values=*/true, /*learning_rate=*/0.001,
                     [&](const NetworkOutput& output, const NetworkGradients& gradients) {
                       ComputePpoLoss(output.logits, output.values, samples, {}, gradients.logits, gradients.values);
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
BENCHMARK(PpoMinibatch)->Name("ppo_minibatch")->Arg(64)->Arg(256)->Arg(1024)->Arg(2048);

void AutogradPpoMinibatch(benchmark::State& state) {
  AutogradBaseline baseline(Minibatch(state.range(0)));
  for (auto _ : state) baseline.UpdatePpo();
}
BENCHMARK(AutogradPpoMinibatch)->Name("libtorch ppo_minibatch")->Arg(64)->Arg(256)->Arg(1024)->Arg(2048);

void BcMinibatch(benchmark::State& state) {
  const Minibatch minibatch(state.range(0));
  const BcSamples samples{minibatch.actions, {}, {}};
  Policy policy = FreshPolicy();
  ParameterUpdate update(policy, {.weight_decay = 0.0001}, /*max_gradient_norm=*/0);
  const at::Tensor observations = at::tensor(minibatch.observations).view({-1, 4});
  for (auto _ : state) {
    const auto norm = update.Apply(observations, /*with_values=*/false, /*learning_rate=*/0.0015,
                                   [&](const NetworkOutput& output, const NetworkGradients& gradients) {
                                     CrossEntropy(output, samples, gradients);
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
