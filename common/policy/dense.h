// Fully connected layers and activations in plain float arithmetic. The BLAS chooses its kernels by processor and by
// the size of the matrix, and with many of them a row's result depends on where the row stands; these depend on
// neither.
#ifndef UNDERSTUDY_COMMON_POLICY_DENSE_H_
#define UNDERSTUDY_COMMON_POLICY_DENSE_H_

#include <span>
#include <vector>

#include "common/policy/dense_kernels.h"

namespace understudy {

// All of these: the same bits for a number or row at every position, among any others, however many there are, on every
// processor (whatever vector instructions it has); NaNs excepted, which are NaNs everywhere, but have bits of their
// own. Single-threaded. Thread-safe.

// Matrices row by row, [rows, columns].
struct DenseLayer {
  std::span<const float> weights;  // [inputs, outputs]
  std::span<const float> bias;     // [outputs], at least one
};

// outputs[r, j] = ((bias[j] + inputs[r, 0] · weights[0, j]) + inputs[r, 1] · weights[1, j]) + …, each product and each
// sum rounded to float. `outputs` [rows, outputs] says how many rows there are, and overlaps nothing else.
void ApplyDense(const DenseLayer& layer, std::span<const float> inputs, std::span<float> outputs);

// In place. Within 4e-7 of the hyperbolic tangent (at most 7 units in the last place, measured over all floats), never
// beyond ±1, odd, exact around 0.
void ApplyTanh(std::span<float> values);

// max(x, 0), in place.
void ApplyRelu(std::span<float> values);

// The versions that this processor can run, the fastest (which the functions above use) last. For tests.
std::vector<const DenseKernels*> SupportedDenseKernels();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_DENSE_H_
