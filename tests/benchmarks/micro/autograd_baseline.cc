#include "tests/benchmarks/micro/autograd_baseline.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

namespace understudy::benchmarks {
namespace {

torch::nn::Sequential Mlp(int64_t outputs) {
  return torch::nn::Sequential(torch::nn::Linear(4, 64), torch::nn::Tanh(), torch::nn::Linear(64, 64),
                               torch::nn::Tanh(), torch::nn::Linear(64, outputs));
}

torch::Tensor Column(const std::vector<float>& numbers) { return torch::tensor(numbers); }

std::vector<torch::Tensor> Concatenate(std::vector<torch::Tensor> one, const std::vector<torch::Tensor>& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

}  // namespace

struct AutogradBaseline::Impl {
  explicit Impl(const Minibatch& minibatch)
      : observations(Column(minibatch.observations).view({-1, 4})),
        actions(torch::tensor(std::vector<int64_t>(minibatch.actions.begin(), minibatch.actions.end()))),
        log_probs(Column(minibatch.log_probs)),
        advantages(Column(minibatch.advantages)),
        returns(Column(minibatch.returns)) {}

  torch::nn::Sequential actor = Mlp(2);
  torch::nn::Sequential critic = Mlp(1);
  std::vector<torch::Tensor> parameters = Concatenate(actor->parameters(), critic->parameters());
  torch::optim::Adam adam{parameters, torch::optim::AdamOptions(0.001)};
  torch::optim::AdamW adamw{actor->parameters(), torch::optim::AdamWOptions(0.0015).weight_decay(0.0001)};
  torch::Tensor observations;
  torch::Tensor actions;
  torch::Tensor log_probs;
  torch::Tensor advantages;
  torch::Tensor returns;
};

AutogradBaseline::AutogradBaseline(const Minibatch& minibatch) : impl_(std::make_unique<Impl>(minibatch)) {}
AutogradBaseline::~AutogradBaseline() = default;

void AutogradBaseline::Infer() {
  const torch::NoGradGuard no_gradients;
  impl_->actor->forward(impl_->observations);
}

void AutogradBaseline::UpdatePpo() {
  constexpr double kClip = 0.2;
  constexpr double kValueCoefficient = 0.5;
  constexpr double kMaxGradientNorm = 0.5;
  Impl& own = *impl_;
  const torch::Tensor log_probs = torch::log_softmax(own.actor->forward(own.observations), 1);
  const torch::Tensor taken = log_probs.gather(1, own.actions.unsqueeze(1)).squeeze(1);
  const torch::Tensor ratio = (taken - own.log_probs).exp();
  const torch::Tensor surrogate =
      torch::min(ratio * own.advantages, ratio.clamp(1 - kClip, 1 + kClip) * own.advantages);
  const torch::Tensor values = own.critic->forward(own.observations).squeeze(1);
  const torch::Tensor loss = (values - own.returns).square().mean() * kValueCoefficient - surrogate.mean();
  own.adam.zero_grad();
  loss.backward();
  torch::nn::utils::clip_grad_norm_(own.parameters, kMaxGradientNorm);
  own.adam.step();
}

void AutogradBaseline::UpdateBc() {
  Impl& own = *impl_;
  const torch::Tensor loss = torch::nn::functional::cross_entropy(own.actor->forward(own.observations), own.actions);
  own.adamw.zero_grad();
  loss.backward();
  own.adamw.step();
}

}  // namespace understudy::benchmarks
