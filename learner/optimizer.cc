#include "learner/optimizer.h"

#include <array>
#include <bit>
#include <cmath>

namespace understudy {
namespace {

// Several partial sums, so that the additions need not wait for each other; their number fixes the order of the sum.
double SumOfSquares(std::span<const float> numbers) {
  std::array<double, 8> sums{};
  const size_t whole = numbers.size() / sums.size() * sums.size();
  for (size_t i = 0; i < whole; i += sums.size()) {
    for (size_t lane = 0; lane < sums.size(); ++lane) {
      const double number = numbers[i + lane];
      sums[lane] += number * number;
    }
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  for (size_t i = whole; i < numbers.size(); ++i) total += static_cast<double>(numbers[i]) * numbers[i];
  return total;
}

// As a number and without a branch, fit for vector instructions.
uint32_t IsNotFinite(float number) {
  constexpr uint32_t kExponent = 0x7F800000;
  return static_cast<uint32_t>((std::bit_cast<uint32_t>(number) & kExponent) == kExponent);
}

}  // namespace

Adam::Adam(AdamOptions options, int64_t parameter_count)
    : options_(options),
      state_{.steps = 0,
             .first_moments = std::vector<float>(parameter_count),
             .second_moments = std::vector<float>(parameter_count)} {}

bool Adam::Step(std::span<float> parameters, std::span<const float> gradients, double learning_rate) {
  ++state_.steps;
  const double correction1 = 1 - std::pow(options_.beta1, static_cast<double>(state_.steps));
  const double correction2 = 1 - std::pow(options_.beta2, static_cast<double>(state_.steps));
  const float step_size = static_cast<float>(learning_rate / correction1);
  const float root_correction = static_cast<float>(1 / std::sqrt(correction2));
  const float kept = static_cast<float>(1 - learning_rate * options_.weight_decay);
  const float beta1 = static_cast<float>(options_.beta1);
  const float beta2 = static_cast<float>(options_.beta2);
  // Not 1 - beta in float: 1 - 0.999f is off by one part in 80,000.
  const float share1 = static_cast<float>(1 - options_.beta1);
  const float share2 = static_cast<float>(1 - options_.beta2);
  const float epsilon = static_cast<float>(options_.epsilon);

  float* __restrict first = state_.first_moments.data();
  float* __restrict second = state_.second_moments.data();
  float* __restrict parameter = parameters.data();
  const float* __restrict gradient = gradients.data();
  uint32_t not_finite = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    first[i] = beta1 * first[i] + share1 * gradient[i];
    second[i] = beta2 * second[i] + share2 * gradient[i] * gradient[i];
    parameter[i] = kept * parameter[i] - step_size * first[i] / (std::sqrt(second[i]) * root_correction + epsilon);
    // The first moment shows in the parameter, the second one alone does not: an infinite one stops it for ever.
    not_finite |= IsNotFinite(parameter[i]) | IsNotFinite(second[i]);
  }
  return not_finite == 0;
}

double ClipGlobalNorm(std::span<float> gradients, double max_norm) {
  const double norm = std::sqrt(SumOfSquares(gradients));
  if (max_norm > 0 && norm > max_norm && std::isfinite(norm)) {
    const float scale = static_cast<float>(max_norm / norm);
    for (float& gradient : gradients) gradient *= scale;
  }
  return norm;
}

}  // namespace understudy
