// The arithmetic behind dense.h, compiled once for each instruction set. Include dense.h instead.
#ifndef UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_
#define UNDERSTUDY_COMMON_POLICY_DENSE_KERNELS_H_

#include <cstddef>

namespace understudy {

// The kernels take plain pointers, because their files must not use a library's inline functions. A compiler would
// compile such a function with instructions that not every processor has, and the linker might keep that copy for the
// whole program.

// A product of two matrices. result[i, j] = (…((start[i, j] + left[i, 0] · right[0, j]) + left[i, 1] · right[1, j]) +
// …), where each step is a fused multiply-add.
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

// A product of matrices for few columns, which would leave most of a vector register unused in MatrixProduct.
// result[i, j] is start[j] plus the sum of the products left[i, p] · right[j, p].
//
// The sum has kPartialSums partial sums, which start at 0. Partial sum l takes the terms with p ≡ l, in their order,
// each by a fused multiply-add. After the last term, terms of 0 · 0 make all partial sums equally long. Then the upper
// half of the partial sums is added to the lower half, sum by sum, until one is left.
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
