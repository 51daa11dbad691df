// Plain loops, which the compiler makes vector instructions of: elementwise, so that all versions give the same bits.
#include "learner/algorithms/optimizer_kernels.h"

namespace understudy {
namespace {

// As a number and without a branch.
inline unsigned IsNotFinite(float number) {
  constexpr unsigned kExponent = 0x7F800000;
  unsigned bits = 0;
  __builtin_memcpy(&bits, &number, sizeof(bits));
  return static_cast<unsigned>((bits & kExponent) == kExponent);
}

// While it lives, numbers too small for a float's full precision count as zero: the moments of parameters that no
// longer have gradients decay to such numbers, with which a processor takes a hundred times as long.
class SmallNumbersAreZero {
 public:
#ifdef __x86_64__
  SmallNumbersAreZero() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before_ | kFlushToZero); }
  ~SmallNumbersAreZero() { __builtin_ia32_ldmxcsr(before_); }

 private:
  static constexpr unsigned kFlushToZero = 0x8040;  // results, and operands
  unsigned before_;
#else
  SmallNumbersAreZero() {}
#endif
};

bool Adam(const AdamStep& step) {
  const SmallNumbersAreZero small_numbers_are_zero;
  const AdamStep s = step;
  float* __restrict const parameters = s.parameters;
  float* __restrict const first = s.first_moments;
  float* __restrict const second = s.second_moments;
  const float* __restrict const gradients = s.gradients;
  unsigned not_finite = 0;
  for (size_t i = 0; i < s.count; ++i) {
    const float gradient = s.gradient_scale * gradients[i];
    first[i] = s.beta1 * first[i] + s.share1 * gradient;
    second[i] = s.beta2 * second[i] + s.share2 * gradient * gradient;
    parameters[i] =
        s.kept * parameters[i] - s.step_size * first[i] / (__builtin_sqrtf(second[i]) * s.root_correction + s.epsilon);
    // The first moment shows in the parameter, the second one alone does not: an infinite one stops it for ever.
    not_finite |= IsNotFinite(parameters[i]) | IsNotFinite(second[i]);
  }
  return not_finite == 0;
}

// Several partial sums, so that the additions need not wait for each other; their number fixes the order of the sum.
double SumOfSquares(const float* numbers, size_t count) {
  constexpr size_t kSums = 16;
  double sums[kSums] = {};
  const size_t whole = count / kSums * kSums;
  for (size_t i = 0; i < whole; i += kSums) {
    for (size_t lane = 0; lane < kSums; ++lane) {
      const double number = numbers[i + lane];
      sums[lane] += number * number;
    }
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  for (size_t i = whole; i < count; ++i) total += static_cast<double>(numbers[i]) * numbers[i];
  return total;
}

}  // namespace

extern const OptimizerKernels UNDERSTUDY_KERNELS = {
    .instruction_set = UNDERSTUDY_INSTRUCTION_SET, .adam = Adam, .sum_of_squares = SumOfSquares};

}  // namespace understudy
