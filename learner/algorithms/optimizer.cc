#include "learner/algorithms/optimizer.h"

#include <cmath>

namespace understudy {
namespace {

const OptimizerKernels& Fastest() {
  static const OptimizerKernels& fastest = *SupportedOptimizerKernels().back();
  return fastest;
}

}  // namespace

Adam::Adam(AdamOptions options, int64_t parameter_count)
    : options_(options),
      state_{.steps = 0,
             .first_moments = std::vector<float>(parameter_count),
             .second_moments = std::vector<float>(parameter_count)} {}

bool Adam::Step(std::span<float> parameters, std::span<const float> gradients, double learning_rate,
                double gradient_scale) {
  ++state_.steps;
  const double correction1 = 1 - std::pow(options_.beta1, static_cast<double>(state_.steps));
  const double correction2 = 1 - std::pow(options_.beta2, static_cast<double>(state_.steps));
  return Fastest().adam({.parameters = parameters.data(),
                         .first_moments = state_.first_moments.data(),
                         .second_moments = state_.second_moments.data(),
                         .gradients = gradients.data(),
                         .count = parameters.size(),
                         .gradient_scale = static_cast<float>(gradient_scale),
                         .beta1 = static_cast<float>(options_.beta1),
                         .beta2 = static_cast<float>(options_.beta2),
                         // Not 1 - beta in float: 1 - 0.999f is off by one part in 80,000.
                         .share1 = static_cast<float>(1 - options_.beta1),
                         .share2 = static_cast<float>(1 - options_.beta2),
                         .step_size = static_cast<float>(learning_rate / correction1),
                         .root_correction = static_cast<float>(1 / std::sqrt(correction2)),
                         .epsilon = static_cast<float>(options_.epsilon),
                         .kept = static_cast<float>(1 - learning_rate * options_.weight_decay)});
}

double GlobalNorm(std::span<const float> gradients) {
  return std::sqrt(Fastest().sum_of_squares(gradients.data(), gradients.size()));
}

double ClippingScale(double norm, double max_norm) { return max_norm > 0 && norm > max_norm ? max_norm / norm : 1; }

std::vector<const OptimizerKernels*> SupportedOptimizerKernels() {
  std::vector<const OptimizerKernels*> kernels = {&kBaselineOptimizerKernels};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(&kAvx2OptimizerKernels);
    if (__builtin_cpu_supports("avx512f")) kernels.push_back(&kAvx512OptimizerKernels);
  }
#endif
  return kernels;
}

}  // namespace understudy
