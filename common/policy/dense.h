// Computes fully connected layers and activations, forwards and backwards, in float arithmetic of our own. A BLAS would
// not do: it chooses its kernels by processor and by the size of the matrix, and with many of them a row's result
// depends on where the row stands. The functions here depend on neither.
#ifndef UNDERSTUDY_COMMON_POLICY_DENSE_H_
#define UNDERSTUDY_COMMON_POLICY_DENSE_H_

#include <cstddef>
#include <new>
#include <span>
#include <vector>

#include "common/policy/dense_kernels.h"

namespace understudy {

// The length of a cache line, and of the longest vector register. If the rows of a matrix are multiples of it, no
// vector register's worth of numbers lies in two lines. That would cost two accesses.
inline constexpr std::align_val_t kCacheLine{64};

template <typename T>
struct CacheLineAllocator {
  using value_type = T;

  CacheLineAllocator() = default;
  template <typename Other>
  explicit CacheLineAllocator(const CacheLineAllocator<Other>&) {}

  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kCacheLine)); }
  void deallocate(T* numbers, size_t) { ::operator delete(numbers, kCacheLine); }
  bool operator==(const CacheLineAllocator&) const { return true; }
};

// A vector of floats that begins at a cache line, for matrices.
using AlignedFloats = std::vector<float, CacheLineAllocator<float>>;

// Every function here gives the same bits for a number or a row at every position, among any other rows, and in
// matrices of any size. It also gives the same bits on every processor, whatever vector instructions it has. (A
// processor without fused multiply-add is slow.) Only NaNs are excepted: they are NaNs everywhere, but their bits may
// differ.
//
// Every function is single-threaded and thread-safe. Matrices lie row by row and are given as [rows, columns].

struct DenseLayer {
  std::span<const float> weights;  // [inputs, outputs]
  std::span<const float> bias;     // [outputs], at least one
};

// Computes outputs[r, j] = ((bias[j] + inputs[r, 0] · weights[0, j]) + inputs[r, 1] · weights[1, j]) + …, each a fused
// multiply-add. With fewer than 8 outputs it computes bias[j] + (inputs[r, 0] · weights[0, j] + …) instead, summed as
// DotProducts says. The size of `outputs` [rows, outputs] says how many rows there are. `outputs` must not overlap the
// other arguments.
void ApplyDense(const DenseLayer& layer, std::span<const float> inputs, std::span<float> outputs);

// Replaces each value by its hyperbolic tangent. The error is below 4e-7 and at most 7 units in the last place,
// measured over all floats. Results are never beyond ±1, odd, and exact around 0.
void ApplyTanh(std::span<float> values);

// Replaces each value x by max(x, 0).
void ApplyRelu(std::span<float> values);

// The sums of the derivatives of a loss by a layer's parameters.
struct DenseGradient {
  std::span<float> weights;  // [inputs, outputs]
  std::span<float> bias;     // [outputs]
};

// Adds to `gradient` what the rows contribute, in their order: inputs[r, i] · output_gradients[r, j] to the weights,
// and output_gradients[r, j] to the bias. `scratch` is resized as needed.
void AddDenseGradient(std::span<const float> inputs, std::span<const float> output_gradients,
                      const DenseGradient& gradient, std::vector<float>& scratch);

// Computes the derivatives by the layer's inputs: input_gradients[r, i] = Σ_j
// output_gradients[r, j] · transposed_weights[j, i]. With `add` it adds them to what is there, for layers that share
// their inputs.
void PropagateDense(std::span<const float> transposed_weights, std::span<const float> output_gradients, size_t outputs,
                    bool add, std::span<float> input_gradients);

// Turns the derivatives by the `values` of a hyperbolic tangent into those by its arguments, in place.
void PropagateTanh(std::span<const float> values, std::span<float> gradients);
// Turns the derivatives by the `values` of max(x, 0) into those by x, in place.
void PropagateRelu(std::span<const float> values, std::span<float> gradients);

// Adds terms[i] to sums[i].
void AddTo(std::span<float> sums, std::span<const float> terms);

// Turns a matrix [rows, columns] into `transposed` [columns, rows].
void Transpose(std::span<const float> matrix, size_t columns, std::span<float> transposed);

// Returns the kernels that this processor can run, the fastest last. The functions above use that one. For tests.
std::vector<const DenseKernels*> SupportedDenseKernels();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_DENSE_H_
