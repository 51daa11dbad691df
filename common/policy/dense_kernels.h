// The arithmetic behind dense.h, compiled once for each instruction set. Include dense.h instead.
#ifndef UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_
#define UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_

#include <cstddef>

namespace understudy {

// Plain pointers: whatever inline function of a library the kernels' file used, it would compile for processors that
// not all have, and the linker might keep that copy for everybody.
struct DenseArguments {
  const float* weights;  // [inputs, outputs]
  const float* bias;     // [outputs]
  size_t input_count;
  size_t output_count;
  size_t rows;
  const float* inputs;  // [rows, inputs]
  float* outputs;       // [rows, outputs]
};

struct DenseKernels {
  const char* instruction_set;
  void (*dense)(const DenseArguments& arguments);
  void (*tanh)(float* values, size_t count);
  void (*relu)(float* values, size_t count);
};

extern const DenseKernels kBaselineKernels;
#ifdef __x86_64__
extern const DenseKernels kAvx2Kernels;
extern const DenseKernels kAvx512Kernels;
#endif

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_
