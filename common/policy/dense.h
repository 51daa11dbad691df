// Fully connected layers and activations in float arithmetic of our own, forwards and backwards. The BLAS chooses its
// kernels by processor and by the size of the matrix, and with many of them a row's result depends on where the row
// stands; these depend on neither.
#ifndef UNDERSTUDY_COMMON_POLICY_DENSE_H_
#define UNDERSTUDY_COMMON_POLICY_DENSE_H_

#include <span>
#include <vector>

#include "common/policy/dense_kernels.h"

namespace understudy {

// All of these: the same bits for a number or row at every position, among any others, however many there are, on every
// processor (whatever vector instructions it has; without fused multiply-add slowly); NaNs excepted, which are NaNs
// everywhere, but have bits of their own. Single-threaded. Thread-safe. Matrices row by row, [rows, columns].

struct DenseLayer {
  std::span<const float> weights;  // [inputs, outputs]
  std::span<const float> bias;     // [outputs], at least one
};

// outputs[r, j] = ((bias[j] + inputs[r, 0] · weights[0, j]) + inputs[r, 1] · weights[1, j]) + …, each a fused
// multiply-add; with fewer than 8 outputs bias[j] + (inputs[r, 0] · weights[0, j] + …), summed as DotProducts says.
// `outputs` [rows, outputs] says how many rows there are, and overlaps nothing else.
void ApplyDense(const DenseLayer& layer, std::span<const float> inputs, std::span<float> outputs);

// In place. Within 4e-7 of the hyperbolic tangent (at most 7 units in the last place, measured over all floats), never
// beyond ±1, odd, exact around 0.
void ApplyTanh(std::span<float> values);

// max(x, 0), in place.
void ApplyRelu(std::span<float> values);

// Where the derivatives of a loss by a layer's parameters are summed up.
struct DenseGradient {
  std::span<float> weights;  // [inputs, outputs]
  std::span<float> bias;     // [outputs]
};

// Adds to `gradient` what the rows contribute, in their order: inputs[r, i] · output_gradients[r, j] to the weights,
// output_gradients[r, j] to the bias. `scratch`: resized as needed.
void AddDenseGradient(std::span<const float> inputs, std::span<const float> output_gradients,
                      const DenseGradient& gradient, std::vector<float>& scratch);

// Derivatives by the layer's inputs: input_gradients[r, i] = Σ_j output_gradients[r, j] · transposed_weights[j, i];
// `add`: added to what is there, for layers that share their inputs.
void PropagateDense(std::span<const float> transposed_weights, std::span<const float> output_gradients, size_t outputs,
                    bool add, std::span<float> input_gradients);

// Turns derivatives by an activation's `values` into those by its arguments, in place.
void PropagateTanh(std::span<const float> values, std::span<float> gradients);
void PropagateRelu(std::span<const float> values, std::span<float> gradients);

// sums[i] += terms[i].
void AddTo(std::span<float> sums, std::span<const float> terms);

// [rows, columns] → [columns, rows].
void Transpose(std::span<const float> matrix, size_t columns, std::span<float> transposed);

// The versions that this processor can run, the fastest (which the functions above use) last. For tests.
std::vector<const DenseKernels*> SupportedDenseKernels();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_DENSE_H_
