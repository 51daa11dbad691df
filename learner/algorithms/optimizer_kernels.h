// The loops over all parameters behind optimizer.h, compiled once for each instruction set. Include optimizer.h
// instead.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_OPTIMIZER_KERNELS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_OPTIMIZER_KERNELS_H_

#include <cstddef>

namespace understudy {

// The kernels take plain pointers, because a library's inline functions must not be compiled here (see
// dense_kernels.h).
struct AdamStep {
  float* parameters;
  float* first_moments;
  float* second_moments;
  const float* gradients;
  size_t count;
  float gradient_scale;
  float beta1;
  float beta2;
  float share1;  // 1 - beta1
  float share2;
  float step_size;        // learning rate, corrected for the first moment's bias
  float root_correction;  // of the second moment's root
  float epsilon;
  float kept;  // by weight decay
};

struct OptimizerKernels {
  const char* instruction_set;
  // Returns false if a parameter or a second moment is not finite now.
  bool (*adam)(const AdamStep& step);
  double (*sum_of_squares)(const float* numbers, size_t count);
};

extern const OptimizerKernels kBaselineOptimizerKernels;
#ifdef __x86_64__
extern const OptimizerKernels kAvx2OptimizerKernels;
extern const OptimizerKernels kAvx512OptimizerKernels;
#endif

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_OPTIMIZER_KERNELS_H_
