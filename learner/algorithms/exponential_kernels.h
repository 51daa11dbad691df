// The arithmetic behind exponentials.h, compiled once for each instruction set. Include exponentials.h instead.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIAL_KERNELS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIAL_KERNELS_H_

#include <cstddef>

namespace understudy {

// The kernels take plain pointers, because a library's inline functions must not be compiled here (see
// dense_kernels.h).
struct ExponentialKernels {
  const char* instruction_set;
  void (*exp)(double* numbers, size_t count);
  void (*log)(double* numbers, size_t count);
};

extern const ExponentialKernels kBaselineExponentialKernels;
#ifdef __x86_64__
extern const ExponentialKernels kAvx2ExponentialKernels;
extern const ExponentialKernels kAvx512ExponentialKernels;
#endif

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIAL_KERNELS_H_
