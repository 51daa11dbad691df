// The arithmetic behind dense.h, compiled once for each instruction set. Include dense.h instead.
#ifndef UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_
#define UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_

#include <cstddef>

namespace understudy {

// Plain pointers: whatever inline function of a library the kernels' file used, it would compile for processors that
// not all have, and the linker might keep that copy for everybody.

// result[i, j] = (…((start[i, j] + left[i, 0] · right[0, j]) + left[i, 1] · right[1, j]) + …), each a fused
// multiply-add.
struct MatrixProduct {
  size_t rows;
  size_t columns;
  size_t terms;
  const float* left;  // element (i, p) is left[i * left_row_stride + p * left_term_stride]
  size_t left_row_stride;
  size_t left_term_stride;
  const float* right;       // [terms, columns]
  const float* start;       // element (i, j) is start[i * start_row_stride + j]; may be result; null: zeros
  size_t start_row_stride;  // 0: one row for all
  float* result;            // [rows, columns]
};

// For few columns, which would leave most of a vector register unused. result[i, j] = start[j] + the sum of the
// products left[i, p] · right[j, p]: partial sum l, of kPartialSums, is of the terms p ≡ l, in their order, each a
// fused multiply-add to what starts at 0 (after the last term as many of 0 · 0 as make all partial sums equally long);
// then the upper half of the partial sums is added to the lower half, sum by sum, until one is left.
inline constexpr int kPartialSums = 16;
struct DotProducts {
  size_t rows;
  size_t columns;
  size_t terms;
  const float* left;   // [rows, terms]
  const float* right;  // [columns, terms]
  const float* start;  // [columns]
  float* result;       // [rows, columns]
};

struct DenseKernels {
  const char* instruction_set;
  void (*multiply)(const MatrixProduct& product);
  void (*dots)(const DotProducts& products);
  void (*tanh)(float* values, size_t count);
  void (*relu)(float* values, size_t count);
  void (*tanh_gradient)(const float* values, float* gradients, size_t count);
  void (*relu_gradient)(const float* values, float* gradients, size_t count);
  void (*add)(const float* terms, float* sums, size_t count);
};

extern const DenseKernels kBaselineDenseKernels;
#ifdef __x86_64__
extern const DenseKernels kAvx2DenseKernels;
extern const DenseKernels kAvx512DenseKernels;
#endif

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_
