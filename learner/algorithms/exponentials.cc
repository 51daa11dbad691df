#include "learner/algorithms/exponentials.h"

namespace understudy {
namespace {

const ExponentialKernels& Fastest() {
  static const ExponentialKernels& fastest = *SupportedExponentialKernels().back();
  return fastest;
}

}  // namespace

void Exponentials(std::span<double> numbers) { Fastest().exp(numbers.data(), numbers.size()); }

void Logarithms(std::span<double> numbers) { Fastest().log(numbers.data(), numbers.size()); }

std::vector<const ExponentialKernels*> SupportedExponentialKernels() {
  std::vector<const ExponentialKernels*> kernels = {&kBaselineExponentialKernels};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(&kAvx2ExponentialKernels);
    if (__builtin_cpu_supports("avx512f")) kernels.push_back(&kAvx512ExponentialKernels);
  }
#endif
  return kernels;
}

}  // namespace understudy
