#include "common/policy/dense.h"

#include <cassert>

namespace understudy {
namespace {

// Layers with fewer outputs would leave most of a vector register unused.
constexpr size_t kFewOutputs = 16;
// With fewer, sums over inputs are vectorised.
constexpr size_t kFewSums = 8;

const DenseKernels& Fastest() {
  static const DenseKernels& fastest = *SupportedDenseKernels().back();
  return fastest;
}

// sum[i, j] += Σ_r left[r, i] · right[r, j].
void AddOuterProducts(std::span<const float> left, size_t left_columns, std::span<const float> right,
                      size_t right_columns, float* sum) {
  Fastest().multiply({.rows = left_columns,
                      .columns = right_columns,
                      .terms = right.size() / right_columns,
                      .left = left.data(),
                      .left_row_stride = 1,
                      .left_term_stride = left_columns,
                      .right = right.data(),
                      .start = sum,
                      .start_row_stride = right_columns,
                      .result = sum});
}

// A layer of few outputs. With one, weights and transposed weights are the same.
void ApplyDots(const DenseLayer& layer, std::span<const float> inputs, std::span<float> outputs) {
  const size_t output_count = layer.bias.size();
  std::span<const float> transposed = layer.weights;
  thread_local std::vector<float> scratch;  // kept from call to call
  if (output_count > 1) {
    scratch.resize(layer.weights.size());
    Transpose(layer.weights, output_count, scratch);
    transposed = scratch;
  }
  Fastest().dots({.rows = outputs.size() / output_count,
                  .columns = output_count,
                  .terms = layer.weights.size() / output_count,
                  .left = inputs.data(),
                  .right = transposed.data(),
                  .start = layer.bias.data(),
                  .result = outputs.data()});
}

}  // namespace

void ApplyDense(const DenseLayer& layer, std::span<const float> inputs, std::span<float> outputs) {
  const size_t output_count = layer.bias.size();
  const size_t input_count = layer.weights.size() / output_count;
  const size_t rows = outputs.size() / output_count;
  assert(layer.weights.size() == input_count * output_count);
  assert(outputs.size() == rows * output_count);
  assert(inputs.size() == rows * input_count);
  if (output_count < kFewSums) {
    ApplyDots(layer, inputs, outputs);
    return;
  }
  Fastest().multiply({.rows = rows,
                      .columns = output_count,
                      .terms = input_count,
                      .left = inputs.data(),
                      .left_row_stride = input_count,
                      .left_term_stride = 1,
                      .right = layer.weights.data(),
                      .start = layer.bias.data(),
                      .start_row_stride = 0,
                      .result = outputs.data()});
}

void ApplyTanh(std::span<float> values) { Fastest().tanh(values.data(), values.size()); }

void ApplyRelu(std::span<float> values) { Fastest().relu(values.data(), values.size()); }

void AddDenseGradient(std::span<const float> inputs, std::span<const float> output_gradients,
                      const DenseGradient& gradient, std::vector<float>& scratch) {
  const size_t outputs = gradient.bias.size();
  const size_t input_count = gradient.weights.size() / outputs;
  const size_t rows = output_gradients.size() / outputs;
  assert(inputs.size() == rows * input_count);
  const float one = 1;
  Fastest().multiply({.rows = 1,
                      .columns = outputs,
                      .terms = rows,
                      .left = &one,
                      .left_row_stride = 0,
                      .left_term_stride = 0,
                      .right = output_gradients.data(),
                      .start = gradient.bias.data(),
                      .start_row_stride = 0,
                      .result = gradient.bias.data()});
  if (outputs >= kFewOutputs || input_count <= outputs) {
    AddOuterProducts(inputs, input_count, output_gradients, outputs, gradient.weights.data());
    return;
  }
  // The same sums, of the transposed weights: their rows are as long as there are inputs.
  scratch.resize(gradient.weights.size());
  Transpose(gradient.weights, outputs, scratch);
  AddOuterProducts(output_gradients, outputs, inputs, input_count, scratch.data());
  Transpose(scratch, input_count, gradient.weights);
}

void PropagateDense(std::span<const float> transposed_weights, std::span<const float> output_gradients, size_t outputs,
                    bool add, std::span<float> input_gradients) {
  const size_t input_count = transposed_weights.size() / outputs;
  const size_t rows = output_gradients.size() / outputs;
  assert(input_gradients.size() == rows * input_count);
  Fastest().multiply({.rows = rows,
                      .columns = input_count,
                      .terms = outputs,
                      .left = output_gradients.data(),
                      .left_row_stride = outputs,
                      .left_term_stride = 1,
                      .right = transposed_weights.data(),
                      .start = add ? input_gradients.data() : nullptr,
                      .start_row_stride = input_count,
                      .result = input_gradients.data()});
}

void PropagateTanh(std::span<const float> values, std::span<float> gradients) {
  assert(values.size() == gradients.size());
  Fastest().tanh_gradient(values.data(), gradients.data(), values.size());
}

void PropagateRelu(std::span<const float> values, std::span<float> gradients) {
  assert(values.size() == gradients.size());
  Fastest().relu_gradient(values.data(), gradients.data(), values.size());
}

void AddTo(std::span<float> sums, std::span<const float> terms) {
  assert(sums.size() == terms.size());
  Fastest().add(terms.data(), sums.data(), sums.size());
}

void Transpose(std::span<const float> matrix, size_t columns, std::span<float> transposed) {
  const size_t rows = matrix.size() / columns;
  assert(transposed.size() == matrix.size());
  // In blocks whose lines stay in the cache.
  constexpr size_t kBlock = 16;
  for (size_t first_row = 0; first_row < rows; first_row += kBlock) {
    const size_t last_row = first_row + kBlock < rows ? first_row + kBlock : rows;
    for (size_t column = 0; column < columns; ++column) {
      for (size_t row = first_row; row < last_row; ++row) {
        transposed[column * rows + row] = matrix[row * columns + column];
      }
    }
  }
}

std::vector<const DenseKernels*> SupportedDenseKernels() {
  std::vector<const DenseKernels*> kernels = {&kBaselineDenseKernels};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(&kAvx2DenseKernels);
    if (__builtin_cpu_supports("avx512f")) kernels.push_back(&kAvx512DenseKernels);
  }
#endif
  return kernels;
}

}  // namespace understudy
